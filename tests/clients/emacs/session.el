;;; session.el --- A conversation of Emacs' eglot with the language server  -*- lexical-binding: t -*-

;;; Commentary:

;; Emacs connects, types, asks for code actions and undoes, in a file of its own, with the server that follows "--":
;;
;;     emacs --batch -l session.el -- redraft lsp --standalone
;;
;; The exit code is 0 if everything was as it should be.  eglot cannot resolve code actions, so it gets commands whose
;; edits come back from the server.

;;; Code:

(require 'package)
(package-activate-all)
(require 'cl-lib)
(unless (require 'eglot nil t)
  (message "This test needs eglot; Debian has it in elpa-eglot.")
  (kill-emacs 2))

(setq backtrace-on-error-noninteractive nil
      eglot-sync-connect t
      eglot-connect-timeout 60
      eglot-autoreconnect nil
      eglot-confirm-server-initiated-edits nil
      ;; The first repair loads the model, on a machine that may be busy.
      jsonrpc-default-request-timeout 120
      make-backup-files nil
      create-lockfiles nil)

(defconst session-sound "# 😀é
def add(a, b):
    return a + b


print(add(1, 2))
")
(defconst session-broken (string-replace "(a, b):" "(a, b:" session-sound))

(defun session-check (what is-fine)
  "Say WHAT was tried, and leave unless IS-FINE."
  (message "emacs: %s%s" what (if is-fine "" ": NO"))
  (unless is-fine
    (message "%s" (buffer-string))
    (kill-emacs 1)))

(defun session-actions ()
  "The titles of the code actions at point."
  (mapcar (lambda (action) (plist-get action :title))
          (eglot-code-actions (point) (point))))

(defun session-type (text)
  "Insert TEXT as somebody does who types."
  (mapc (lambda (character) (insert character) (sit-for 0.01)) text))

(let* ((command (cdr (member "--" command-line-args)))
       (folder (make-temp-file "redraft" t))
       (file (expand-file-name "a b#c.py" folder)))
  (setq command-line-args-left nil)
  (when (file-name-directory (car command))
    (setcar command (expand-file-name (car command))))
  (add-to-list 'eglot-server-programs (cons 'python-mode command))
  (with-temp-file file (insert session-sound))
  (with-current-buffer (find-file-noselect file)
    (call-interactively #'eglot)
    (let* ((server (eglot-current-server))
           (process (jsonrpc--process server)))
      (session-check "the server is connected" (and server (eglot-managed-p)))
      (session-check "a sound file has no diagnostics and no actions"
                     (and (null (flymake-diagnostics)) (null (session-actions))))

      (goto-char (point-min))
      (search-forward "b):")
      (delete-region (- (point) 2) (point))
      (session-type ":")
      (session-check "the mistake is typed" (equal (buffer-string) session-broken))
      (session-check "a repair is offered"
                     (string-prefix-p "Redraft: repair syntax error" (or (car (session-actions)) "")))

      (undo-boundary)
      (eglot-code-actions (point) (point) "quickfix.redraft" t)
      (session-check "the repair is applied" (equal (buffer-string) session-sound))
      (session-check "nothing is left to repair" (null (session-actions)))

      (undo-boundary)
      (let ((last-command 'other)) (undo))
      (session-check "one undo takes it back" (equal (buffer-string) session-broken))
      (session-check "it is offered again"
                     (string-prefix-p "Redraft: repair syntax error" (or (car (session-actions)) "")))

      ;; `eglot-shutdown' says the same, but then kills the server at once.
      (jsonrpc-request server :shutdown nil)
      (jsonrpc-notify server :exit nil)
      (with-timeout (300) ; only a server that hangs takes so long
        (while (process-live-p process) (accept-process-output process 0.1)))
      (session-check "the server has left as it should"
                     (and (eq (process-status process) 'exit) (zerop (process-exit-status process)))))
    (set-buffer-modified-p nil)
    (kill-buffer))
  (delete-directory folder t))

;;; session.el ends here
