// Taking a connection away: what goes with it is named first.
import { useT } from "../i18n";
import { Button, Fetched, Trouble } from "../ui/basic";
import { useApply, useConfig } from "./apply";
import { withoutConnection } from "./config";

export function Remove({ name, uses, done }: { name: string; uses: string[]; done: () => void }) {
  const t = useT();
  const config = useConfig();
  const apply = useApply(done);
  return (
    <div className="space-y-4">
      {apply.error && <Trouble error={apply.error} />}
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
      <p className="text-soft">{t("connections.remove.kept")}</p>
      <Fetched of={config} rows={1}>
        {(text) => (
          <Button look="danger" busy={apply.isPending} onClick={() => apply.mutate(withoutConnection(text, name, uses))}>
            {t("connections.remove.go")}
          </Button>
        )}
      </Fetched>
    </div>
  );
}
