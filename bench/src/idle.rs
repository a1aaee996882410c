//! A server that has nothing to do.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value as Json, json};

use crate::{
    Common,
    figures::{Figures, Target},
    rig,
};

pub(crate) async fn run(common: &Common, seconds: u64) -> Result<Figures> {
    let folder = rig::folder(common)?;
    let mut config: Json = serde_yaml_ng::from_str(include_str!("../../examples/demo.yaml"))?;
    config["listen"] = json!(format!("127.0.0.1:{}", rig::free_port()?));
    let (mut tandem, _) = rig::serve(common, folder.path(), &config).await?;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    tandem.is_there()?;
    let cost = tandem.cost()?;
    let mut figures = Figures::new(format!(
        "A server with the demo's config, idle for {seconds} s"
    ));
    figures.judge("memory", cost.memory, "MB", Target::AtMost(40.0));
    figures.note("peak memory", cost.peak, "MB");
    figures.note("processor time", 1000.0 * cost.cpu / seconds as f64, "ms/s");
    tandem.stop().await?;
    Ok(figures)
}
