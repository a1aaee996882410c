//! Ready workflows that come with Tandem, to be installed with a connection for each of their roles.

use axum::Json;
use rust_embed::RustEmbed;
use serde_json::{Value, json};

use crate::{
    config::read_recipe,
    error::{ApiError, ApiResult},
};

/// Every file of `examples/recipes`, comments included.
#[derive(RustEmbed)]
#[folder = "../../examples/recipes"]
struct Files;

/// The texts of all recipes, by the names of their files.
fn texts() -> impl Iterator<Item = String> {
    let mut names: Vec<_> = Files::iter().collect();
    names.sort();
    names.into_iter().filter_map(|name| {
        let file = Files::get(&name)?;
        Some(String::from_utf8_lossy(&file.data).into_owned())
    })
}

/// What a recipe says of itself in the comment at its beginning: its lines, without the command that installs it.
fn about(text: &str) -> String {
    let lines = text
        .lines()
        .map_while(|line| line.strip_prefix('#'))
        .filter(|line| !line.trim_start().starts_with("tandem "))
        .map(str::trim);
    let paragraphs: Vec<String> = lines
        .collect::<Vec<_>>()
        .split(|line| line.is_empty())
        .map(|lines| lines.join(" "))
        .filter(|paragraph| !paragraph.is_empty())
        .collect();
    paragraphs.join("\n\n")
}

/// The recipes, with the roles and variables that an installation fills.
pub(crate) async fn list() -> ApiResult<Json<Value>> {
    let recipes = texts().map(|text| {
        let workflow = read_recipe(&text)
            .map_err(|problems| ApiError::internal(format!("a recipe is wrong: {problems}")))?;
        Ok(json!({
            "about": about(&text),
            "workflow": super::value(&workflow)?,
            "text": text,
        }))
    });
    recipes.collect::<ApiResult<_>>().map(Json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_that_comes_along_can_be_installed_from_the_gallery() {
        assert!(texts().count() >= 15);
        for text in texts() {
            let workflow = read_recipe(&text).unwrap();
            assert!(workflow.title.is_some(), "{}", workflow.name);
            assert!(about(&text).len() > 40, "{}", workflow.name);
        }
    }
}
