// Long lists page by page.
import { useT } from "../i18n";
import { Button } from "../ui/basic";

/** Rows of a page; the next begins after the last of them. */
export const PAGE = 100;

/** Where the pages up to this one begin: after these rows, the first at the beginning. */
export type Pages = (string | undefined)[];

/** The way to the page before and to the next, where there is one. */
export function Paging({ pages, rows, turn }: { pages: Pages; rows: { cursor: string }[]; turn: (pages: Pages) => void }) {
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
