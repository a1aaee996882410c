// Conditions as rows: a value, how it is held against another, and that other.
import { known, useT } from "../i18n";
import { Button, inputs } from "../ui/basic";
import { useAround } from "./around";
import { TextField, Wrong } from "./fields";
import { anything, shown } from "./values";

interface Row {
  value?: unknown;
  is?: string;
  to?: unknown;
  as?: string;
  all?: Row[];
  any?: Row[];
  not?: Row;
}

/** These look at one value only. */
const ALONE = new Set(["filled", "empty", "true", "false"]);

export function ConditionField({ label, value, set, place }: { label: string; value: unknown; set: (value: unknown) => void; place: string }) {
  const t = useT();
  const row = (typeof value === "object" && value !== null ? value : {}) as Row;
  const word = row.all ? "all" : row.any ? "any" : undefined;
  const rows = row.all ?? row.any ?? [row];
  const give = (next: Row[], how: string | undefined) => {
    if (next.length === 1 && next[0] && (how === undefined || next.length === 1)) return set(next[0]);
    return set({ [how ?? "all"]: next });
  };
  if (row.not) {
    return (
      <fieldset className="rounded-md border border-line p-3">
        <legend className="px-1 text-sm font-medium">{`${label}: ${t("flow.not")}`}</legend>
        <ConditionField label={label} value={row.not} set={(next) => set({ not: next })} place={`${place}.not`} />
        <Button className="mt-2" onClick={() => set(row.not)}>
          {t("flow.not.away")}
        </Button>
      </fieldset>
    );
  }
  return (
    <fieldset className="min-w-0 rounded-md border border-line p-3">
      <legend className="px-1 text-sm font-medium">{label}</legend>
      {word && (
        <select aria-label={t("flow.condition.how")} className={`${inputs} mb-2`} value={word} onChange={(event) => give(rows, event.target.value)}>
          <option value="all">{t("flow.condition.all")}</option>
          <option value="any">{t("flow.condition.any")}</option>
        </select>
      )}
      <div className="space-y-3">
        {rows.map((one, index) => {
          const own = word ? `${place}.${word}[${index}]` : place;
          const change = (next: Row) => give(rows.with(index, next), word);
          const drop = rows.length > 1 ? () => give(rows.toSpliced(index, 1), word) : undefined;
          return one.all || one.any || one.not ? (
            // rows have no name but their place
            // oxlint-disable-next-line react/no-array-index-key
            <ConditionField key={index} label={`${label} ${index + 1}`} value={one} set={(next) => change(next as Row)} place={own} />
          ) : (
            // oxlint-disable-next-line react/no-array-index-key
            <RowField key={index} row={one} set={change} place={own} drop={drop} />
          );
        })}
      </div>
      <Button className="mt-3" onClick={() => give([...rows, { value: "", is: "filled" }], word ?? "all")}>
        {t("flow.condition.add")}
      </Button>
    </fieldset>
  );
}

function RowField({ row, set, place, drop }: { row: Row; set: (row: Row) => void; place: string; drop: (() => void) | undefined }) {
  const t = useT();
  const { form } = useAround();
  const comparisons = (form.root.$defs?.["Comparison"]?.oneOf ?? []).map((one) => String(one.const));
  const is = row.is ?? "";
  return (
    <div className="space-y-1.5">
      <TextField label={t("flow.condition.value")} shape={{}} value={shown(row.value)} read={anything} set={(value) => set({ ...row, value: value ?? "" })} place={`${place}.value`} drop={drop} />
      <select
        aria-label={t("flow.condition.is")}
        className={inputs}
        value={is}
        onChange={(event) => {
          const { to: _, ...alone } = row;
          set(ALONE.has(event.target.value) ? { ...alone, is: event.target.value } : { ...row, is: event.target.value });
        }}
      >
        {comparisons.map((one) => (
          <option key={one} value={one}>
            {known(t, "is", one)}
          </option>
        ))}
      </select>
      {!ALONE.has(is) && (
        <TextField label={t("flow.condition.to")} shape={{}} value={shown(row.to)} read={anything} set={(to) => set({ ...row, to: to ?? "" })} place={`${place}.to`} />
      )}
      <Wrong place={place} />
    </div>
  );
}
