// People: who there is, inviting, roles, and removing.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, result, type Schemas } from "../api/client";
import { known, useT } from "../i18n";
import { useSession } from "../signin/session";
import { Ago, Button, Card, Fetched, inputs, Labelled, Light, Table, Trouble } from "../ui/basic";
import { Dialog } from "../ui/dialog";
import { OnlyOwners, SettingsPlace } from "./place";

type User = Schemas["User"];
type Role = Schemas["Role"];
export const roles: Role[] = ["viewer", "editor", "owner"];

/** Whether this can be the name of a user. */
export function isName(name: string): boolean {
  return /^[a-z0-9][a-z0-9._@-]{0,63}$/.test(name);
}

export function UsersPage() {
  return (
    <SettingsPlace title="users.title" lead="users.lead">
      <OnlyOwners>
        <Users />
      </OnlyOwners>
    </SettingsPlace>
  );
}

function Users() {
  const t = useT();
  const users = useQuery({ queryKey: ["users"], queryFn: () => result(api.GET("/users")) });
  const [invited, setInvited] = useState<Schemas["Invited"]>();
  return (
    <div className="space-y-5">
      <Invite done={setInvited} />
      {invited && <Link invited={invited} />}
      <Card title={t("users.title")}>
        <Fetched of={users}>
          {(rows) =>
            rows.length === 0 ? (
              <p>{t("users.none")}</p>
            ) : (
              <Table label={t("users.title")} heads={[t("settings.tokens.name"), t("users.role"), t("users.password"), t("users.seen"), t("users.sessions"), t("users.do")]}>
                {rows.map((user) => (
                  <Row key={user.name} user={user} linked={setInvited} />
                ))}
              </Table>
            )
          }
        </Fetched>
        <ul className="mt-4 space-y-1 text-sm text-soft">
          {roles.map((role) => (
            <li key={role}>
              <b className="font-medium">{known(t, "role", role)}</b>: {t(`users.may.${role}`)}
            </li>
          ))}
        </ul>
      </Card>
    </div>
  );
}

function Roles({ id, role, choose, busy = false, label }: { id?: string; role: Role; choose: (role: Role) => void; busy?: boolean; label?: string }) {
  const t = useT();
  return (
    <select id={id} aria-label={label} disabled={busy} className={inputs} value={role} onChange={(event) => choose(event.target.value as Role)}>
      {roles.map((one) => (
        <option key={one} value={one}>
          {known(t, "role", one)}
        </option>
      ))}
    </select>
  );
}

function Invite({ done }: { done: (invited: Schemas["Invited"]) => void }) {
  const t = useT();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("editor");
  const invite = useMutation({
    mutationFn: () => result(api.POST("/users", { body: { name, role } })),
    onSuccess: (invited) => {
      setName("");
      done(invited);
      return client.invalidateQueries({ queryKey: ["users"] });
    },
  });
  return (
    <Card title={t("users.invite")}>
      <p className="mb-3 max-w-prose text-soft">{t("users.invite.how")}</p>
      {invite.error && <Trouble error={invite.error} />}
      <form
        className="flex flex-wrap items-end gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (isName(name)) invite.mutate();
        }}
      >
        <Labelled label={t("settings.tokens.name")}>
          {(id) => <input id={id} className={inputs} autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} />}
        </Labelled>
        <Labelled label={t("users.role")}>{(id) => <Roles id={id} role={role} choose={setRole} />}</Labelled>
        <Button type="submit" look="main" needs="admin" disabled={!isName(name)} busy={invite.isPending}>
          {t("users.invite.go")}
        </Button>
      </form>
      {name !== "" && !isName(name) && <p className="mt-2 text-sm text-bad">{t("users.name")}</p>}
    </Card>
  );
}

function Link({ invited }: { invited: Schemas["Invited"] }) {
  const t = useT();
  const [copied, setCopied] = useState(false);
  return (
    <output className="block rounded-lg border border-ok bg-ok-wash px-4 py-3">
      <p>{t("users.link", { name: invited.user.name })}</p>
      <code className="block break-all">{invited.link}</code>
      <Button className="mt-2" onClick={() => void navigator.clipboard.writeText(invited.link).then(() => setCopied(true))}>
        {copied ? t("copied") : t("copy")}
      </Button>
    </output>
  );
}

function Row({ user, linked }: { user: User; linked: (invited: Schemas["Invited"]) => void }) {
  const t = useT();
  const client = useQueryClient();
  const session = useSession();
  const own = session.data?.user?.name === user.name;
  const [removing, setRemoving] = useState(false);
  const path = { params: { path: { name: user.name } } };
  const again = () =>
    Promise.all([client.invalidateQueries({ queryKey: ["users"] }), own ? client.invalidateQueries({ queryKey: ["session"] }) : undefined]);
  const role = useMutation({ mutationFn: (next: Role) => result(api.PUT("/users/{name}", { ...path, body: { role: next } })), onSettled: again });
  const link = useMutation({
    mutationFn: () => result(api.POST("/users/{name}/link", path)),
    onSuccess: (invited) => {
      linked(invited);
      return again();
    },
  });
  const out = useMutation({ mutationFn: () => result(api.POST("/users/{name}/sign-out", path)), onSettled: again });
  const remove = useMutation({
    mutationFn: () => result(api.DELETE("/users/{name}", path)),
    onSuccess: () => {
      setRemoving(false);
      return again();
    },
  });
  const error = role.error ?? link.error ?? out.error;
  return (
    <tr>
      <td className="font-medium break-words">
        {user.name} {own && <span className="text-soft">({t("users.you")})</span>}
        {error && <Trouble error={error} />}
      </td>
      <td className="min-w-32">
        <Roles label={t("users.role.of", { name: user.name })} role={user.role} busy={role.isPending} choose={(next) => role.mutate(next)} />
      </td>
      <td className="whitespace-nowrap">
        <Light tone={user.has_password ? "ok" : user.link_ends ? "idle" : "warn"}>
          {user.has_password ? t("users.password.set") : user.link_ends ? t("users.password.waits") : t("users.password.none")}
        </Light>
      </td>
      <td>{user.signed_in ? <Ago at={user.signed_in} /> : "–"}</td>
      <td className="tabular-nums">{user.sessions}</td>
      <td>
        <div className="flex gap-1.5">
          <Button busy={link.isPending} onClick={() => link.mutate()} aria-label={t("users.link.of", { name: user.name })}>
            {t("users.link.new")}
          </Button>
          <Button busy={out.isPending} disabled={user.sessions === 0} onClick={() => out.mutate()} aria-label={t("users.out.of", { name: user.name })}>
            {t("settings.signout")}
          </Button>
          <Button look="danger" onClick={() => setRemoving(true)} aria-label={t("users.remove.of", { name: user.name })}>
            {t("settings.tokens.remove")}
          </Button>
        </div>
        <Dialog title={t("users.remove.of", { name: user.name })} open={removing} close={() => setRemoving(false)}>
          <p>{t("users.remove.how", { name: user.name })}</p>
          {remove.error && <Trouble error={remove.error} />}
          <Button look="danger" className="mt-4" busy={remove.isPending} onClick={() => remove.mutate()}>
            {t("users.remove.go")}
          </Button>
        </Dialog>
      </td>
    </tr>
  );
}
