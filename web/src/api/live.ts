// How everything stands, live: the server tells of each change, and what depends on it is asked anew.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, result, type Schemas } from "./client";

export type Status = Schemas["Status"];

export function useStatus() {
  return useQuery({
    queryKey: ["status"],
    queryFn: () => result(api.GET("/status")),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Follows the server's events while the pages are open. Says whether they come in. */
export function useLive(): boolean {
  const client = useQueryClient();
  const [live, setLive] = useState(true);
  useEffect(() => {
    const source = new EventSource("/api/v1/events");
    source.addEventListener("status", (event) => {
      setLive(true);
      client.setQueryData(["status"], JSON.parse(event.data as string) as Status);
      void client.invalidateQueries({ predicate: (query) => query.meta?.["live"] === true });
    });
    // it also ends when whoever is signed in has another role, or may no longer
    source.addEventListener("error", () => {
      setLive(false);
      void client.invalidateQueries({ queryKey: ["session"] });
    });
    return () => source.close();
  }, [client]);
  return live;
}
