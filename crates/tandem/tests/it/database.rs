//! Databases that cannot be used: each a clear message and nothing half done.

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_database_is_left_alone() {
    let world = World::start().await;
    let text = "this is a letter to my aunt, and long enough to be more than a header ".repeat(40);
    std::fs::write(world.database(), &text).unwrap();
    let config = world.config();
    world
        .run(&["apply", config.to_str().unwrap()])
        .await
        .refused(5, &["TDM-D003"]);
    assert_eq!(std::fs::read_to_string(world.database()).unwrap(), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_is_named() {
    let world = World::start().await;
    let config = world.config();
    let database = world.folder.path().join("no/such/tandem.db");
    world
        .run_bare(&[
            "--database",
            database.to_str().unwrap(),
            "apply",
            config.to_str().unwrap(),
        ])
        .await
        .refused(5, &["TDM-D002", "no/such"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_database_are_refused() {
    let world = World::start().await;
    let server = world.serve().await;
    let config = world.config();
    world
        .run(&["serve", "--config", config.to_str().unwrap()])
        .await
        .refused(5, &["TDM-D001"]);
    world
        .run(&["vault", "rotate"])
        .await
        .refused(5, &["TDM-D001"]);
    // the first one is not bothered
    assert_eq!(world.api(&server, "GET", "/api/v1/status").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_key_is_said_and_the_credentials_stay() {
    let world = World::start().await;
    let config = world.config();
    assert_eq!(
        world.run(&["apply", config.to_str().unwrap()]).await.code,
        0
    );
    world.connect_office().await;

    let rotated = world.run(&["vault", "rotate"]).await;
    assert_eq!(rotated.code, 0, "{rotated:#?}");
    assert!(rotated.out.starts_with("1 "), "{rotated:#?}");
    let acts = ["acts", "--what", "vault.rotate", "--json"];
    let acts = world.run(&acts).await.json();
    assert_eq!(acts[0]["outcome"], "done", "{acts:#}");
    assert_eq!(acts[0]["actor"], "command_line", "{acts:#}");
    assert_eq!(world.run(&["check", "office"]).await.code, 0);

    let key = world.folder.path().join("tandem.db.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    world
        .run(&["status"])
        .await
        .refused(5, &["TDM-D005", "restore the file"]);
    assert!(!key.exists(), "no new key was made over sealed credentials");
    write_private(&key, &kept);
    assert_eq!(world.run(&["check", "office"]).await.code, 0);
}

fn write_private(path: &std::path::Path, bytes: &[u8]) {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .unwrap();
    file.write_all(bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_database_is_named_and_nothing_is_half_done() {
    let world = World::start().await;
    let config = world.config();
    let config = config.to_str().unwrap();
    assert_eq!(world.run(&["apply", config]).await.code, 0);
    world.connect_office().await;
    let before = std::fs::read(world.database()).unwrap();
    let changed = world.write(
        "changed.yaml",
        &world
            .config_text()
            .replace("mode: two-way", "mode: preview"),
    );
    let folder = world.folder.path();
    // First the file alone, then its folder and all that is in it.
    for all in [false, true] {
        let mut paths = vec![world.database()];
        if all {
            let inside = std::fs::read_dir(folder).unwrap();
            paths.extend(inside.map(|entry| entry.unwrap().path()));
            paths.push(folder.to_owned());
        }
        let kept: Vec<_> = paths
            .iter()
            .map(|path| std::fs::metadata(path).unwrap().permissions())
            .collect();
        for path in &paths {
            let mut rights = std::fs::metadata(path).unwrap().permissions();
            rights.set_readonly(true);
            std::fs::set_permissions(path, rights).unwrap();
        }
        for arguments in [
            &["apply", changed.to_str().unwrap()][..],
            &["serve", "--config", changed.to_str().unwrap()],
            &["status"],
            &["sync", "people"],
            &[
                "connect",
                "office",
                "--field",
                "token=env:TANDEM_TEST_OO_TOKEN",
            ],
        ] {
            let ran = world.run_bound(arguments).await;
            ran.refused(5, &["TDM-D002", "tandem.db", "correct the rights"]);
            assert_eq!(ran.out, "", "{arguments:?}");
        }
        for (path, rights) in paths.iter().zip(kept).rev() {
            std::fs::set_permissions(path, rights).unwrap();
        }
        assert_eq!(std::fs::read(world.database()).unwrap(), before);
    }
    let status = world.run(&["status", "--json"]).await.json();
    assert_eq!(status["config"]["revision"], 1, "{status:#}");
    assert_eq!(world.run(&["check", "office"]).await.code, 0);
}
