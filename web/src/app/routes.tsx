// All addresses. Pages come when they are asked for; only the way in and Home are in the first load.
import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet } from "@tanstack/react-router";
import { HomePage } from "../home/page";
import { Door } from "../signin/door";
import { WelcomePage } from "../signin/welcome";
import { Waiting } from "../ui/basic";
import { NotFound, Shell } from "./shell";

const root = createRootRouteWithContext<{ client: QueryClient }>()({ component: Outlet, notFoundComponent: NotFound });

const welcome = createRoute({ getParentRoute: () => root, path: "/welcome", component: WelcomePage });
const docs = createRoute({
  getParentRoute: () => root,
  path: "/api/docs",
  component: lazyRouteComponent(() => import("../docs/page"), "DocsPage"),
});
const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: () => (
    <Door>
      <Shell />
    </Door>
  ),
});
const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

const home = createRoute({ getParentRoute: () => inside, path: "/", component: HomePage });
const reviews = createRoute({
  getParentRoute: () => inside,
  path: "/reviews",
  validateSearch: (search) => ({ sync: text(search["sync"]), id: text(search["id"]) }),
  component: lazyRouteComponent(() => import("../reviews/page"), "ReviewsPage"),
});

const sync = createRoute({
  getParentRoute: () => inside,
  path: "/syncs/$name",
  component: lazyRouteComponent(() => import("../syncs/page"), "SyncPage"),
});
const newSync = createRoute({
  getParentRoute: () => inside,
  path: "/new",
  component: lazyRouteComponent(() => import("../wizard/page"), "NewSyncPage"),
});
const undo = createRoute({
  getParentRoute: () => inside,
  path: "/undo",
  validateSearch: (search) => ({
    run: text(search["run"]),
    connection: text(search["connection"]),
    record: text(search["record"]),
    field: text(search["field"]),
  }),
  component: lazyRouteComponent(() => import("../undo/page"), "UndoPage"),
});
const connections = createRoute({
  getParentRoute: () => inside,
  path: "/connections",
  component: lazyRouteComponent(() => import("../connections/page"), "ConnectionsPage"),
});
const records = createRoute({
  getParentRoute: () => inside,
  path: "/records",
  component: lazyRouteComponent(() => import("../records/page"), "RecordsPage"),
});
const record = createRoute({
  getParentRoute: () => inside,
  path: "/records/$connection/$entity/$id",
  component: lazyRouteComponent(() => import("../record/page"), "RecordPage"),
});
const calls = createRoute({
  getParentRoute: () => inside,
  path: "/calls",
  validateSearch: (search) => ({ connection: text(search["connection"]), cause: text(search["cause"]) }),
  component: lazyRouteComponent(() => import("../calls/page"), "CallsPage"),
});
const catalog = createRoute({
  getParentRoute: () => inside,
  path: "/catalog",
  validateSearch: (search) => ({ connection: text(search["connection"]), operation: text(search["operation"]) }),
  component: lazyRouteComponent(() => import("../catalog/page"), "CatalogPage"),
});
const workflows = createRoute({
  getParentRoute: () => inside,
  path: "/workflows",
  component: lazyRouteComponent(() => import("../workflows/page"), "WorkflowsPage"),
});
const workflow = createRoute({
  getParentRoute: () => inside,
  path: "/workflows/$name",
  validateSearch: (search): { tab?: "runs" | "versions" | undefined } => {
    const tab = search["tab"];
    return { tab: tab === "runs" || tab === "versions" ? tab : undefined };
  },
  component: lazyRouteComponent(() => import("../workflow/page"), "WorkflowPage"),
});
const workflowRun = createRoute({
  getParentRoute: () => inside,
  path: "/workflow-runs/$run",
  component: lazyRouteComponent(() => import("../flowrun/page"), "WorkflowRunPage"),
});
const recipes = createRoute({
  getParentRoute: () => inside,
  path: "/recipes",
  component: lazyRouteComponent(() => import("../recipes/page"), "RecipesPage"),
});
const settings = createRoute({
  getParentRoute: () => inside,
  path: "/settings",
  component: lazyRouteComponent(() => import("../settings/page"), "SettingsPage"),
});
const users = createRoute({
  getParentRoute: () => inside,
  path: "/settings/users",
  component: lazyRouteComponent(() => import("../settings/users"), "UsersPage"),
});
const tokens = createRoute({
  getParentRoute: () => inside,
  path: "/settings/tokens",
  component: lazyRouteComponent(() => import("../settings/tokens"), "TokensPage"),
});
const acts = createRoute({
  getParentRoute: () => inside,
  path: "/settings/acts",
  component: lazyRouteComponent(() => import("../settings/acts"), "ActsPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([welcome, docs, inside.addChildren([home, reviews, sync, newSync, undo, connections, records, record, calls, catalog, workflows, workflow, workflowRun, recipes, settings, users, tokens, acts])]),
  context: undefined as unknown as { client: QueryClient },
  defaultPreload: "intent",
  defaultPendingComponent: () => (
    <main className="mx-auto w-full max-w-6xl px-4 pt-6">
      <Waiting />
    </main>
  ),
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
