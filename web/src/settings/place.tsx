// The pages of the settings, and the way between them.
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { type Key, useT } from "../i18n";
import { useMay } from "../signin/may";
import { Page } from "../ui/basic";

const places: { to: string; key: Key; owners: boolean }[] = [
  { to: "/settings", key: "settings.general", owners: false },
  { to: "/settings/tokens", key: "settings.tokens", owners: false },
  { to: "/settings/users", key: "users.title", owners: true },
  { to: "/settings/acts", key: "acts.title", owners: true },
];

export function SettingsPlace({ title, lead, children }: { title: Key; lead: Key; children: ReactNode }) {
  const t = useT();
  const may = useMay();
  return (
    <Page title={t(title)} lead={t(lead)}>
      <nav aria-label={t("settings.pages")} className="mb-5 border-b border-line">
        <ul className="flex flex-wrap gap-x-1">
          {places
            .filter(({ owners }) => !owners || may("admin"))
            .map(({ to, key }) => (
              <li key={to}>
                <Link
                  to={to}
                  activeOptions={{ exact: true }}
                  className="block border-b-2 border-transparent px-3 py-2 text-ink no-underline hover:bg-sunk"
                  activeProps={{ className: "border-accent! font-semibold text-accent!", "aria-current": "page" }}
                >
                  {t(key)}
                </Link>
              </li>
            ))}
        </ul>
      </nav>
      {children}
    </Page>
  );
}

/** In the place of what only owners see. */
export function OnlyOwners({ children }: { children: ReactNode }) {
  const t = useT();
  const may = useMay();
  if (may("admin")) return children;
  return <p className="rounded-lg border border-line bg-sunk px-4 py-3">{t("may.admin")}</p>;
}
