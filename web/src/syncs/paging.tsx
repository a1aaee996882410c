// Long lists page by page.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useT } from "../i18n";
import { Ago, Button, Fetched } from "../ui/basic";

/** Rows of a page; the next begins after the last of them. */
const PAGE = 100;

/** Where the pages up to this one begin: after these rows, the first at the beginning. */
type Pages = (string | undefined)[];

/** A list, a page of it at a time. Without rows it says `none`. */
export function Paged<Row extends { cursor: string }>(props: {
  /** What it is called among all that is fetched. */
  list: readonly string[];
  get: (page: { limit: number; after?: string }) => Promise<Row[]>;
  none?: string;
  children: (rows: Row[]) => ReactNode;
}) {
  const [pages, setPages] = useState<Pages>([undefined]);
  const after = pages.at(-1);
  const found = useQuery({
    queryKey: [...props.list, after],
    queryFn: () => props.get({ limit: PAGE, ...(after === undefined ? {} : { after }) }),
    meta: { live: true },
  });
  return (
    <Fetched of={found} rows={1}>
      {(rows) => (
        <>
          {rows.length === 0 && props.none !== undefined ? <p className="text-soft">{props.none}</p> : props.children(rows)}
          <Paging pages={pages} rows={rows} turn={setPages} />
        </>
      )}
    </Fetched>
  );
}

/** The last cell of a row: since when. */
export function Since({ at }: { at: string }) {
  return (
    <td>
      <Ago at={at} />
    </td>
  );
}

/** The way to the page before and to the next, where there is one. */
function Paging({ pages, rows, turn }: { pages: Pages; rows: { cursor: string }[]; turn: (pages: Pages) => void }) {
  const t = useT();
  if (pages.length === 1 && rows.length < PAGE) return null;
  return (
    <div className="mt-3 flex gap-2">
      <Button disabled={pages.length === 1} onClick={() => turn(pages.slice(0, -1))}>
        {t("syncs.page.before")}
      </Button>
      <Button disabled={rows.length < PAGE} onClick={() => turn([...pages, rows.at(-1)?.cursor])}>
        {t("syncs.page.next")}
      </Button>
    </div>
  );
}
