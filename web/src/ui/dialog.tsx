// A dialog over the page, as browsers know it: Escape closes it, the focus stays in it and comes back.
import { type ReactNode, useEffect, useId, useRef } from "react";
import { useT } from "../i18n";

export function Dialog({ title, open, close, children, wide = false }: {
  title: string;
  open: boolean;
  close: () => void;
  children: ReactNode;
  wide?: boolean;
}) {
  const t = useT();
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (!element) return;
    if (open && !element.open) element.showModal();
    if (!open && element.open) element.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onClose={close}
      className={`m-auto max-h-[92dvh] w-[calc(100vw-1.5rem)] overflow-auto rounded-xl border border-line bg-card p-0 text-ink ${wide ? "max-w-4xl" : "max-w-lg"}`}
    >
      {open && (
        <>
          <div className="sticky top-0 z-10 flex items-center justify-between gap-3 border-b border-line bg-card px-4 py-3">
            <h2 id={id} className="min-w-0 font-semibold break-words">
              {title}
            </h2>
            <button type="button" onClick={close} aria-label={t("close")} className="rounded-md px-2 py-1 text-lg leading-none hover:bg-sunk">
              ×
            </button>
          </div>
          <div className="p-4">{children}</div>
        </>
      )}
    </dialog>
  );
}
