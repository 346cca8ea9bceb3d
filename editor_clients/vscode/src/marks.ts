// A review: the hunks of one rewrite in one document, and what has become of them. Knows nothing of editors.

import type { Hunk } from "./hunks";
import { hunksOf, moved, rejection } from "./hunks";
import type { Replacement } from "./text";
import { Lines, replaced } from "./text";

export class Marks {
  /** What waits for a decision. */
  open: readonly Hunk[];
  /** What was accepted and still stands. */
  accepted: readonly Hunk[] = [];
  /** Whether somebody has edited text of the rewrite. */
  isTouched = false;
  /** Whether somebody has edited anything since the rewrite was applied. */
  hasEdits = false;
  readonly after: string;

  constructor(
    readonly before: string,
    readonly found: readonly Replacement[],
  ) {
    this.after = replaced(before, found);
    this.open = hunksOf(new Lines(before), found);
  }

  get isOver(): boolean {
    return this.open.length === 0;
  }

  accept(hunks: readonly Hunk[]): void {
    this.accepted = [...this.accepted, ...hunks];
    this.open = this.open.filter(hunk => !hunks.includes(hunk));
  }

  /** What puts back the text from before `hunks`, which are no longer open. */
  reject(hunks: readonly Hunk[]): Replacement[] {
    this.open = this.open.filter(hunk => !hunks.includes(hunk));
    return rejection(hunks);
  }

  /** Those `hunks` could not be rejected after all. */
  reopen(hunks: readonly Hunk[]): void {
    this.open = [...this.open, ...hunks].sort((one, other) => one.id - other.id);
  }

  /** What makes the rewrite without `hunks` of the text from before. */
  without(hunks: readonly Hunk[]): Replacement[] {
    const left = new Set(this.left(hunks));
    let at = 0;
    return hunksOf(new Lines(this.before), this.found).flatMap(({ id, pieces }) => {
      const own = this.found.slice(at, at + pieces.length);
      at += pieces.length;
      return left.has(id) ? own : [];
    });
  }

  /** The rewrite was made anew without `hunks`, and `anew` are its hunks; false if those are not the ones that were left. */
  replace(hunks: readonly Hunk[], anew: readonly Hunk[]): boolean {
    const ids = this.left(hunks);
    if (anew.length !== ids.length) return false;
    const isOpen = new Set(this.open.map(hunk => hunk.id));
    const left = anew.map((hunk, index) => ({ ...hunk, id: ids[index] as number }));
    this.open = left.filter(hunk => isOpen.has(hunk.id));
    this.accepted = left.filter(hunk => !isOpen.has(hunk.id));
    return true;
  }

  private left(hunks: readonly Hunk[]): number[] {
    return [...this.open, ...this.accepted]
      .filter(hunk => !hunks.includes(hunk))
      .map(hunk => hunk.id)
      .sort((one, other) => one - other);
  }

  /** Follow an edit that is not of this review. */
  edited(changes: readonly Replacement[]): void {
    this.hasEdits = true;
    const count = this.open.length + this.accepted.length;
    this.follow(changes);
    if (this.open.length + this.accepted.length < count) this.isTouched = true;
  }

  /** Follow an edit that this review made. */
  follow(changes: readonly Replacement[]): void {
    for (const change of changes) {
      this.open = moved(this.open, change);
      this.accepted = moved(this.accepted, change);
    }
  }
}
