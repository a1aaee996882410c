// What stands around every page: where one can go, and whether the server is heard.
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useLive, useStatus } from "../api/live";
import { type Key, known, useT } from "../i18n";
import { useSession } from "../signin/session";
import { Empty, LinkButton, names } from "../ui/basic";
import { openReviews } from "../home/standing";

const places: { to: string; key: Key }[] = [
  { to: "/", key: "nav.home" },
  { to: "/reviews", key: "nav.reviews" },
  { to: "/workflows", key: "nav.workflows" },
  { to: "/connections", key: "nav.connections" },
  { to: "/records", key: "nav.records" },
  { to: "/calls", key: "nav.calls" },
  { to: "/catalog", key: "nav.catalog" },
  { to: "/settings", key: "nav.settings" },
];

export function Shell() {
  const t = useT();
  const live = useLive();
  const status = useStatus();
  const [open, setOpen] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const arrived = useRef(path);
  const waiting = status.data ? openReviews(status.data) : 0;

  // a new page is read from its beginning, also by those who do not see it
  useEffect(() => {
    if (arrived.current !== path) document.getElementById("main")?.focus({ preventScroll: true });
    arrived.current = path;
  }, [path]);

  const list = (
    <ul className="space-y-0.5 p-2">
      {places.map(({ to, key }) => (
        <li key={to}>
          <Link
            to={to}
            onClick={() => setOpen(false)}
            activeOptions={{ exact: to === "/" }}
            className="flex items-center justify-between gap-2 rounded-md px-3 py-2 text-ink no-underline hover:bg-sunk"
            activeProps={{ className: "bg-accent-wash font-semibold text-accent!", "aria-current": "page" }}
          >
            {t(key)}
            {to === "/reviews" && waiting > 0 && (
              <span className="rounded-full bg-accent px-2 text-xs font-semibold text-accent-ink tabular-nums">{waiting}</span>
            )}
          </Link>
        </li>
      ))}
    </ul>
  );

  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[14rem_minmax(0,1fr)]">
      <a
        href="#main"
        className="absolute left-2 z-50 -translate-y-20 rounded-md bg-accent px-3 py-2 text-accent-ink focus:translate-y-2"
      >
        {t("skip")}
      </a>
      <header className="border-b border-line bg-card lg:sticky lg:top-0 lg:h-dvh lg:overflow-y-auto lg:border-r lg:border-b-0">
        <div className="flex items-center justify-between gap-2 px-4 py-3">
          <Link to="/" className="flex items-center gap-2 font-semibold text-ink no-underline">
            <img src="/mark.svg" alt="" width="26" height="26" />
            Tandem
          </Link>
          <button
            type="button"
            aria-expanded={open}
            aria-controls="places"
            onClick={() => setOpen(!open)}
            className="rounded-md border border-edge px-3 py-1.5 text-sm font-medium lg:hidden"
          >
            {t("nav.menu")}
          </button>
        </div>
        <nav id="places" aria-label={t("nav.label")} className={names(!open && "hidden", "lg:block")}>
          {list}
          <Me />
        </nav>
      </header>
      <div className="min-w-0">
        <output className="block">
          {!live && <span className="block bg-warn-wash px-4 py-2 text-sm text-warn">{t("offline")}</span>}
        </output>
        <Outlet />
      </div>
    </div>
  );
}

/** Who is signed in, and what they may. */
function Me() {
  const t = useT();
  const session = useSession();
  const user = session.data?.user;
  if (!user) return null;
  return (
    <p className="border-t border-line px-5 py-3 text-sm break-words text-soft">
      {t("me", { name: user.name, role: known(t, "role", user.role) })}
      {user.role === "viewer" && <span className="mt-1 block">{t("me.viewer")}</span>}
    </p>
  );
}

export function NotFound() {
  const t = useT();
  return (
    <main id="main" tabIndex={-1} className="mx-auto max-w-2xl px-4 pt-16">
      <h1 className="sr-only">{t("nowhere")}</h1>
      <Empty title={t("nowhere")}>
        <LinkButton to="/" className="mt-3">
          {t("nav.home")}
        </LinkButton>
      </Empty>
    </main>
  );
}
