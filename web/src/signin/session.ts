// Whether somebody is signed in with this browser.
import { useQuery } from "@tanstack/react-query";
import { api, keepProof, result } from "../api/client";

export async function fetchSession() {
  let session = await result(api.GET("/session"));
  if (!session.signed_in && session.how === "anyone_here") {
    await result(api.POST("/session", { body: {} }));
    session = await result(api.GET("/session"));
  }
  keepProof(session.csrf);
  return session;
}

const NAME = "tandem.user";

/** Who signed in with this browser last; before that, who set Tandem up. */
export function keptName(): string {
  return localStorage.getItem(NAME) ?? "owner";
}

export function keepName(name: string): void {
  if (name !== "") localStorage.setItem(NAME, name);
}

export function useSession() {
  return useQuery({ queryKey: ["session"], queryFn: fetchSession, staleTime: Number.POSITIVE_INFINITY });
}
