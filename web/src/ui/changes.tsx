// Two texts held against each other.
import { useT } from "../i18n";
import { names } from "./basic";
import { difference } from "./diff";

const signs = { same: " ", added: "+", removed: "−", skip: " " };
const colours = { same: "", added: "bg-ok-wash text-ok", removed: "bg-bad-wash text-bad", skip: "text-soft" };

export function Changes({ before, after, label }: { before: string; after: string; label: string }) {
  const t = useT();
  const lines = difference(before, after);
  if (lines.length === 0) return <p className="text-soft">{t("flow.diff.none")}</p>;
  return (
    // what scrolls has to be reachable by keyboard
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex jsx-a11y/prefer-tag-over-role
    <div role="group" aria-label={label} tabIndex={0} className="max-h-96 overflow-auto rounded border border-line font-mono text-sm">
      <ul className="w-max min-w-full">
        {lines.map((line, at) => (
          // lines have no name but their place
          // oxlint-disable-next-line react/no-array-index-key
          <li key={at} className={names("px-2 whitespace-pre", colours[line.kind])}>
            {line.kind === "added" && <span className="sr-only">{t("diff.added")} </span>}
            {line.kind === "removed" && <span className="sr-only">{t("diff.removed")} </span>}
            <span aria-hidden="true">{signs[line.kind]} </span>
            {line.text}
          </li>
        ))}
      </ul>
    </div>
  );
}
