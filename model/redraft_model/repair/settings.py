"""How hard a repair search looks, and what counts in it."""

from dataclasses import dataclass

from redraft_model.tokens.window import Limits


@dataclass(frozen=True)
class Search:
    """The settings of a repair search. Costs and gains are in nats."""

    n_edits: int = 6  # token edits for one problem
    n_rounds: int = 8  # beams per problem
    n_problems: int = 24  # problems per text
    beam: int = 6
    n_narrow: int = 3  # the first beams, of half that width: most problems are solved in them
    n_candidates: int = 32  # best labels of one text that are tried
    n_labels: int = 4  # of them for one token
    sure: float = 0.5  # probability from which labels are tried together as well
    n_opened: int = 32  # insertions that are filled per round
    n_fills: int = 4  # tokens tried for a single mask
    n_solutions: int = 16  # stop when there are so many
    patience: int = 2  # beams after the first solution
    lead: float = 3.0  # by how much a solution must lead what is still to be looked at to end the search
    token_cost: float = 0.02  # of an edit for every token away from where the parser stopped
    # Of an edit on the line of the problem, on the next one, and so on.
    line_costs: tuple[float, ...] = (0.0, 2.0, 4.0, 6.0)
    progress_gain: float = 2.0  # for a text whose problem moved on behind the edits, when texts queue
    edit_cost: float = 2.0  # per token edited, in a solution's score
    keep_weight: float = 0.5  # of the log-likelihood of keeping a solution, in its score
    parse_gain: float = 4.0  # for a solution that parses over one whose next problem lies further down
    uncompiled_cost: float = 4.0  # for a solution that parses and does not compile
    no_op_cost: float = 2.0  # for every statement of a solution that does nothing
    limits: Limits = Limits()
