// Putting back: first what would be done now, then exactly that.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { api, result, type Schemas } from "../api/client";
import { useT } from "../i18n";
import { Button, Card, Empty, Fetched, Light, Page, Table, Trouble } from "../ui/basic";
import { FieldValue } from "../ui/value";

const route = getRouteApi("/inside/undo");

export function UndoPage() {
  const t = useT();
  const search = route.useSearch();
  const scope: Schemas["UndoScope"] = {
    ...(search.run ? { run: search.run } : {}),
    ...(search.connection ? { connection: search.connection } : {}),
    ...(search.record ? { record: search.record } : {}),
    ...(search.field ? { field: search.field } : {}),
  };
  const what = [search.run ? t("undo.run", { id: search.run }) : "", search.connection, search.record, search.field]
    .filter(Boolean)
    .join(" · ");
  const plan = useQuery({
    queryKey: ["undo", scope],
    queryFn: () => result(api.POST("/undo/plan", { body: scope })),
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  return (
    <Page title={t("undo.title")} lead={what}>
      <Fetched of={plan}>{(found) => <Preview scope={scope} plan={found} />}</Fetched>
    </Page>
  );
}

function Preview({ scope, plan }: { scope: Schemas["UndoScope"]; plan: Schemas["UndoPlan"] }) {
  const t = useT();
  const client = useQueryClient();
  const undo = useMutation({
    mutationFn: () => result(api.POST("/undo", { body: { scope, fingerprint: plan.fingerprint } })),
    onSettled: () => client.invalidateQueries(),
  });
  const nothing = plan.fields.length + plan.records.length === 0;
  return (
    <div className="space-y-4">
      <div aria-live="polite">
        {undo.error && <Trouble error={undo.error} />}
        {undo.data && (
          <p>
            <Light tone="ok">{t("undo.done")}</Light> {t("undo.report", { fields: undo.data.fields, records: undo.data.records })}
          </p>
        )}
      </div>
      {nothing ? (
        <Empty title={t("undo.nothing")} />
      ) : (
        <Card
          title={t("undo.would")}
          actions={
            <Button needs="work" look="main" busy={undo.isPending} onClick={() => undo.mutate()}>
              {t("undo.go")}
            </Button>
          }
        >
          <Table label={t("undo.would")} heads={[t("records.record"), t("syncs.mapping"), t("undo.now"), t("undo.back")]}>
            {plan.fields.flatMap((field) =>
              (["left", "right"] as const).flatMap((side) =>
                Object.entries(field[`${side}_back`]).map(([name, back]) => (
                  <tr key={`${field.link}${side}${name}`}>
                    <td className="break-all">{field[side]}</td>
                    <td>{name}</td>
                    <td>
                      <FieldValue field={field[`${side}_now`][name]} />
                    </td>
                    <td className="font-medium">
                      <FieldValue field={back} />
                    </td>
                  </tr>
                )),
              ),
            )}
            {plan.records.map((record) => (
              <tr key={record.link}>
                <td className="break-all">
                  {record.connection} {record.record}
                </td>
                <td colSpan={3} className="text-bad">
                  {record.archived ? t("undo.archived") : t("undo.removed")}
                </td>
              </tr>
            ))}
          </Table>
        </Card>
      )}
      {plan.kept.length > 0 && (
        <Card title={t("undo.kept")}>
          <ul className="space-y-1">
            {plan.kept.slice(0, 200).map((kept) => (
              <li key={`${kept.connection}${kept.record}${kept.mapping ?? ""}${kept.why}`} className="break-words">
                {kept.connection} {kept.record} {kept.mapping ?? ""}: <span className="text-soft">{kept.why}</span>
              </li>
            ))}
          </ul>
        </Card>
      )}
    </div>
  );
}
