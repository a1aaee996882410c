//! Node-RED and n8n, as npm installs them from `bench/peers/package.json`, on Node 22.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{Common, process::Process, rig};

/// The versions that are measured.
pub(super) const NODE_RED: &str = "5.0.7";
pub(super) const N8N: &str = "1.123.81";

/// Where both are.
pub(super) struct Peers {
    red: PathBuf,
    n8n: PathBuf,
}

impl Peers {
    /// Both, in the pinned versions.
    pub(super) fn find(folder: &Path) -> Result<Self> {
        let folder = std::path::absolute(folder)?.join("node_modules");
        let found = |name: &str, version: &str, file: &str| -> Result<PathBuf> {
            let hint = "npm install --prefix bench/peers, and name that folder with --peers";
            let manifest = folder.join(name).join("package.json");
            let text = std::fs::read_to_string(&manifest)
                .with_context(|| format!("{name} is not there: {hint}"))?;
            let held: Json = serde_json::from_str(&text)?;
            ensure!(
                held["version"] == version,
                "{name} is of version {}, and measured is {version}: {hint}",
                held["version"]
            );
            let file = folder.join(name).join(file);
            ensure!(file.is_file(), "{} is not there", file.display());
            Ok(file)
        };
        Ok(Self {
            red: found("node-red", NODE_RED, "red.js")?,
            n8n: found("n8n", N8N, "bin/n8n")?,
        })
    }

    /// Node-RED with the work as a flow; where events go, and its folder.
    pub(super) fn node_red(
        &self,
        common: &Common,
        upstream: &str,
    ) -> Result<(Process, String, TempDir)> {
        let folder = rig::folder(common)?;
        let port = rig::free_port()?;
        let mapping = "const b = msg.payload; msg.payload = {id: b.id, name: b.first + ' ' + b.last, \
             email: b.mail.toLowerCase(), phone: b.phone.replace(/[^0-9]/g, ''), city: b.town.toUpperCase(), \
             source: 'bench'}; return msg;";
        let flows = json!([
            {"id": "t", "type": "tab", "label": "bench"},
            {"id": "in", "z": "t", "type": "http in", "url": "/upsert", "method": "post", "wires": [["map"]]},
            {"id": "map", "z": "t", "type": "function", "func": mapping, "outputs": 1, "wires": [["put"]]},
            {"id": "put", "z": "t", "type": "http request", "method": "PUT", "ret": "obj", "url": upstream,
             "wires": [["out"]]},
            {"id": "out", "z": "t", "type": "http response", "statusCode": "200", "wires": []},
        ]);
        std::fs::write(folder.path().join("flows.json"), flows.to_string())?;
        let settings = format!(
            "module.exports = {{uiPort: {port}, uiHost: '127.0.0.1', flowFile: 'flows.json', httpAdminRoot: false, \
             telemetry: {{enabled: false}}, logging: {{console: {{level: 'error'}}}}}};"
        );
        let settings_file = folder.path().join("settings.js");
        std::fs::write(&settings_file, settings)?;
        let mut command = Command::new("node");
        command
            .arg(&self.red)
            .arg("--userDir")
            .arg(folder.path())
            .arg("--settings")
            .arg(settings_file);
        let process = Process::other(command, folder.path())?;
        Ok((process, format!("http://127.0.0.1:{port}/upsert"), folder))
    }

    /// n8n with the work as a workflow, tuned: executions in SQLite, no progress saved, no limits.
    pub(super) async fn n8n(
        &self,
        common: &Common,
        upstream: &str,
    ) -> Result<(Process, String, TempDir)> {
        let folder = rig::folder(common)?;
        let port = rig::free_port()?;
        let value = |name: &str, expression: &str| json!({"id": name, "name": name, "type": "string", "value": format!("={{{{ {expression} }}}}")});
        let workflow = json!({"id": "bench0000000000A", "name": "bench", "active": true, "settings": {"executionOrder": "v1"},
            "nodes": [
                {"id": "1", "name": "Webhook", "type": "n8n-nodes-base.webhook", "typeVersion": 2, "position": [0, 0],
                 "webhookId": "upsert", "parameters": {"httpMethod": "POST", "path": "upsert", "responseMode": "onReceived"}},
                {"id": "2", "name": "Map", "type": "n8n-nodes-base.set", "typeVersion": 3.4, "position": [200, 0],
                 "parameters": {"assignments": {"assignments": [
                    value("id", "$json.body.id"),
                    value("name", "$json.body.first + ' ' + $json.body.last"),
                    value("email", "$json.body.mail.toLowerCase()"),
                    value("phone", "$json.body.phone.replace(/[^0-9]/g, '')"),
                    value("city", "$json.body.town.toUpperCase()"),
                    value("source", "'bench'")]}}},
                {"id": "3", "name": "Put", "type": "n8n-nodes-base.httpRequest", "typeVersion": 4.2, "position": [400, 0],
                 "parameters": {"method": "PUT", "url": upstream, "sendBody": true, "specifyBody": "json",
                    "jsonBody": "={{ JSON.stringify($json) }}"}}],
            "connections": {"Webhook": {"main": [[{"node": "Map", "type": "main", "index": 0}]]},
                "Map": {"main": [[{"node": "Put", "type": "main", "index": 0}]]}}});
        let file = folder.path().join("workflow.json");
        std::fs::write(&file, workflow.to_string())?;
        let command = |arguments: &[&str]| {
            let mut command = Command::new("node");
            command
                .arg(&self.n8n)
                .args(arguments)
                .env("N8N_USER_FOLDER", folder.path())
                .env("N8N_PORT", port.to_string())
                .env("N8N_LISTEN_ADDRESS", "127.0.0.1")
                .env("N8N_DIAGNOSTICS_ENABLED", "false")
                .env("N8N_VERSION_NOTIFICATIONS_ENABLED", "false")
                .env("N8N_TEMPLATES_ENABLED", "false")
                .env("N8N_RUNNERS_ENABLED", "false")
                .env("N8N_LOG_LEVEL", "error")
                .env("EXECUTIONS_DATA_SAVE_ON_PROGRESS", "false")
                .env("N8N_CONCURRENCY_PRODUCTION_LIMIT", "-1")
                .env("DB_SQLITE_POOL_SIZE", "4");
            command
        };
        let input = format!("--input={}", file.display());
        for arguments in [
            vec!["import:workflow", input.as_str()],
            vec!["update:workflow", "--all", "--active=true"],
        ] {
            let output = command(&arguments).output().await?;
            if !output.status.success() {
                let why = String::from_utf8_lossy(&output.stderr);
                bail!("n8n {} failed: {why}", arguments[0]);
            }
        }
        let process = Process::other(command(&["start"]), folder.path())?;
        let url = format!("http://127.0.0.1:{port}/webhook/upsert");
        Ok((process, url, folder))
    }
}
