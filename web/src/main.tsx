// The beginning: theme and language, the query client, the routes.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Refusal } from "./api/client";
import { router } from "./app/routes";
import { SpeechProvider } from "./i18n";
import "./styles.css";
import { applyTheme, keptTheme } from "./ui/theme";

applyTheme(keptTheme());

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5000,
      refetchOnWindowFocus: true,
      // a refusal stays one; what did not arrive is tried again
      retry: (failures, error) => failures < 3 && !(error instanceof Refusal && error.status > 0),
    },
  },
});

const root = document.getElementById("root");
if (!root) throw new Error("the page has no root");
createRoot(root).render(
  <StrictMode>
    <SpeechProvider>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} context={{ client }} />
      </QueryClientProvider>
    </SpeechProvider>
  </StrictMode>,
);
