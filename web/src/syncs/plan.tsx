// What a run would do, in numbers and by example.
import type { Schemas } from "../api/client";
import { known, span, useSpeech } from "../i18n";
import { Light, Table } from "../ui/basic";
import { FieldValue } from "../ui/value";

type Plan = Schemas["Plan"];

export function PlanView({ plan }: { plan: Plan }) {
  const { t, language } = useSpeech();
  const number = (n: number) => n.toLocaleString(language);
  const matched = Object.values(plan.matched).reduce((all, one) => all + one, 0);
  const rows: [string, (side: Schemas["PlanSide"]) => number][] = [
    [t("plan.listed"), (side) => side.listed],
    [t("plan.creates"), (side) => side.creates],
    [t("plan.updates"), (side) => side.updates],
    [t("plan.writes"), (side) => side.writes],
    [t("plan.ambiguous"), (side) => side.ambiguous],
    [t("plan.duplicates"), (side) => side.duplicates],
    [t("plan.not_created"), (side) => side.not_created],
    [t("plan.out_of_scope"), (side) => side.out_of_scope],
  ];
  return (
    <div className="space-y-4">
      <p>
        {t("plan.sum", { linked: plan.linked, matched, questions: plan.questions, conflicts: plan.conflicts })}
      </p>
      <Table label={t("syncs.planned")} heads={[t("plan.what"), { key: plan.left.connection, end: true }, { key: plan.right.connection, end: true }]}>
        {rows.map(([label, of]) => (
          <tr key={label}>
            <td>{label}</td>
            <td className="text-right tabular-nums">{number(of(plan.left))}</td>
            <td className="text-right tabular-nums">{number(of(plan.right))}</td>
          </tr>
        ))}
      </Table>
      <p>
        {t("plan.cost", { time: span(language, plan.seconds * 1000) })}{" "}
        {Object.entries(plan.calls)
          .map(([connection, calls]) => `${connection} ${number(calls)}`)
          .join(" · ")}
      </p>
      {plan.consequences.length > 0 && (
        <div className="rounded-lg border border-warn bg-warn-wash px-4 py-3">
          <h3 className="font-medium text-warn">{t("plan.consequences")}</h3>
          <ul className="mt-1 list-disc pl-5">
            {plan.consequences.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        </div>
      )}
      {plan.samples.length > 0 && (
        <details>
          <summary className="cursor-pointer font-medium">{t("plan.samples", { n: plan.samples.length })}</summary>
          <ul className="mt-2 space-y-3">
            {plan.samples.map((sample, at) => (
              // samples have no name of their own and never change their order
              // oxlint-disable-next-line react/no-array-index-key
              <li key={at} className="rounded-lg border border-line p-3">
                <p>
                  <Light tone="accent">{known(t, "what", sample.what)}</Light> {sample.left ?? "–"} ⇄ {sample.right ?? "–"}{" "}
                  <span className="text-soft">{sample.why}</span>
                </p>
                <dl className="mt-2 grid grid-cols-[auto_1fr_auto_1fr] gap-x-3 gap-y-1 text-sm">
                  {Object.entries(sample.fields).map(([mapping, [left, right, side]]) => (
                    <div key={mapping} className="contents">
                      <dt className="text-soft">{mapping}</dt>
                      <dd>
                        <FieldValue field={left} />
                      </dd>
                      <dd aria-hidden="true">{side === "right" ? "→" : side === "left" ? "←" : "="}</dd>
                      <dd>
                        <FieldValue field={right} />
                      </dd>
                    </div>
                  ))}
                </dl>
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}
