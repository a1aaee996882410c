// Taking a connection away: what goes with it, and what Tandem made for it at the vendor, is named first.
import { useMutation, useQuery } from "@tanstack/react-query";
import { api, result } from "../api/client";
import { known, useT } from "../i18n";
import { Button, Fetched, Trouble } from "../ui/basic";
import { useApply, useConfig } from "./apply";
import { withoutConnection } from "./config";

export function Remove({ name, uses, done }: { name: string; uses: string[]; done: () => void }) {
  const t = useT();
  const config = useConfig();
  const apply = useApply(done);
  const path = { params: { path: { name } } };
  const depends = useQuery({ queryKey: ["dependents", name], queryFn: () => result(api.GET("/connections/{name}/disconnect", path)), gcTime: 0 });
  const remove = useMutation({
    mutationFn: async ({ text, made }: { text: string; made: boolean }) => {
      // first at the vendor: without its connection nothing can be taken away there any more
      if (made) await result(api.POST("/connections/{name}/disconnect", path));
      await apply.mutateAsync(withoutConnection(text, name, uses));
    },
  });
  const error = remove.error ?? apply.error;
  return (
    <div className="space-y-4">
      {error && <Trouble error={error} />}
      {uses.length > 0 ? (
        <>
          <p>{t("connections.remove.uses")}</p>
          <ul className="list-disc pl-5 font-medium">
            {uses.map((sync) => (
              <li key={sync}>{sync}</li>
            ))}
          </ul>
        </>
      ) : (
        <p>{t("connections.remove.free")}</p>
      )}
      <Fetched of={depends} rows={1}>
        {({ triggers, webhooks, fields }) => {
          const told = typeof webhooks === "string" ? [webhooks] : [];
          const made = [...told.map((address) => t("connections.remove.webhook", { address })), ...fields.map(({ entity, field }) => t("connections.remove.field", { field, entity: known(t, "entity", entity) }))];
          return (
            <>
              {triggers.length > 0 && <p>{t("connections.remove.triggers", { triggers: triggers.join(", ") })}</p>}
              {made.length > 0 && (
                <>
                  <p>{t("connections.remove.made")}</p>
                  <ul className="max-h-40 list-disc overflow-y-auto pl-5">
                    {made.map((one) => (
                      <li key={one}>{one}</li>
                    ))}
                  </ul>
                </>
              )}
              <p className="text-soft">{t("connections.remove.kept")}</p>
              <Fetched of={config} rows={1}>
                {(text) => (
                  <Button look="danger" busy={remove.isPending} onClick={() => remove.mutate({ text, made: made.length > 0 })}>
                    {t("connections.remove.go")}
                  </Button>
                )}
              </Fetched>
            </>
          );
        }}
      </Fetched>
    </div>
  );
}
