// Putting a changed config into force through the API, checked whole first.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, Refusal, result } from "../api/client";

/** The text of the config in force; nothing where there is none yet. */
export function useConfig() {
  return useQuery({
    queryKey: ["config"],
    queryFn: async () => {
      try {
        return (await result(api.GET("/config"))).document;
      } catch (error) {
        if (error instanceof Refusal && error.status === 409) return "";
        throw error;
      }
    },
  });
}

export function useApply(then?: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (text: string) =>
      result(
        api.PUT("/config", { body: text, bodySerializer: (body) => body, headers: { "content-type": "text/plain" } }),
      ),
    onSuccess: async () => {
      await Promise.all([
        client.invalidateQueries({ queryKey: ["status"] }),
        client.invalidateQueries({ queryKey: ["config"] }),
      ]);
      then?.();
    },
  });
}
