// The door: who is not signed in sees it in the place of every page.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { api, result, whenSessionEnds } from "../api/client";
import { useT } from "../i18n";
import { Button, inputs, Labelled, Trouble, Waiting } from "../ui/basic";
import { keepName, keptName, useSession } from "./session";

export function Door({ children }: { children: ReactNode }) {
  const session = useSession();
  const client = useQueryClient();
  useEffect(() => {
    whenSessionEnds(() => void client.invalidateQueries({ queryKey: ["session"] }));
  }, [client]);
  if (session.data?.signed_in) return children;
  return (
    <Outside>
      {session.data ? (
        session.data.how === "first_start" ? (
          <FirstStart />
        ) : (
          <SignIn />
        )
      ) : session.error ? (
        <Trouble error={session.error} again={() => void session.refetch()} />
      ) : (
        <Waiting rows={1} />
      )}
    </Outside>
  );
}

/** The frame of pages before the door. */
export function Outside({ children }: { children: ReactNode }) {
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-sm flex-col justify-center gap-6 px-4 py-10">
      <div className="flex items-center gap-3">
        <img src="/mark.svg" alt="" width="40" height="40" />
        <span className="text-xl font-semibold">Tandem</span>
      </div>
      {children}
    </main>
  );
}

function FirstStart() {
  const t = useT();
  useTitle(t("first.title"));
  return (
    <div>
      <h1 className="text-lg font-semibold">{t("first.title")}</h1>
      <p className="mt-2">{t("first.how")}</p>
      <p className="mt-2 text-soft">{t("first.lost")}</p>
    </div>
  );
}

function SignIn() {
  const t = useT();
  useTitle(t("signin.title"));
  const client = useQueryClient();
  const [user, setUser] = useState(keptName);
  const [password, setPassword] = useState("");
  const signIn = useMutation({
    mutationFn: () => result(api.POST("/session", { body: { user: user.trim(), password } })),
    onSuccess: () => {
      keepName(user.trim());
      return client.resetQueries();
    },
    onError: () => setPassword(""),
  });
  return (
    <form
      className="space-y-4"
      onSubmit={(event) => {
        event.preventDefault();
        signIn.mutate();
      }}
    >
      <h1 className="text-lg font-semibold">{t("signin.title")}</h1>
      {signIn.error && <Trouble error={signIn.error} />}
      <Labelled label={t("signin.user")}>
        {(id) => (
          <input id={id} name="username" autoComplete="username" autoCapitalize="none" required className={inputs} value={user} onChange={(event) => setUser(event.target.value)} />
        )}
      </Labelled>
      <Labelled label={t("signin.password")}>
        {(id) => (
          <input
            id={id}
            type="password"
            autoComplete="current-password"
            required
            className={inputs}
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        )}
      </Labelled>
      <Button type="submit" look="main" className="w-full" busy={signIn.isPending}>
        {t("signin.go")}
      </Button>
    </form>
  );
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Tandem`;
  }, [title]);
}
