//! One object for people to read: a line for each field, and a table for each list within it.

use serde_json::Value;

use super::table::{Side, Table};

/// Fields whose content is the user's own, which is shown as it is.
const OPAQUE: [&str; 2] = ["reward", "metadata"];

/// Writes an object's fields, those named first, then all others. Fields of objects within it are
/// named with a dot between.
pub(super) fn details(object: &Value, first: &[&str]) -> String {
    let mut fields = Vec::new();
    gather("", object, &mut fields);
    let order = |name: &str| first.iter().position(|known| *known == name).unwrap_or(first.len());
    fields.sort_by_key(|(name, _)| order(name));
    let mut table = Table::new(&[("", Side::Left), ("", Side::Left)]);
    let mut lists = String::new();
    for (name, value) in fields {
        match value {
            Value::Array(rows) if rows.iter().any(Value::is_object) => {
                lists += &format!("\n\n{name}:\n{}", list(rows));
            }
            value => table.row([name, text(value)]),
        }
    }
    format!("{table}{lists}")
}

/// A value on one line.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "-".to_owned(),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            values.iter().map(text).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}

fn gather<'a>(prefix: &str, object: &'a Value, fields: &mut Vec<(String, &'a Value)>) {
    for (name, value) in object.as_object().into_iter().flatten() {
        let is_opaque = OPAQUE.contains(&name.as_str());
        let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Object(_) if !is_opaque => gather(&name, value, fields),
            value => fields.push((name, value)),
        }
    }
}

fn list(rows: &[Value]) -> Table {
    // Not every row has every field.
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().filter_map(Value::as_object).flatten() {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let columns: Vec<_> = names.iter().map(|name| (*name, Side::Left)).collect();
    let mut table = Table::new(&columns);
    for row in rows {
        table.row(names.iter().map(|name| row.get(*name).map(text).unwrap_or_default()));
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_are_shown_field_by_field() {
        let object = json!({
            "counts": { "issued": 3 },
            "id": "camp_1",
            "reward": { "gift": "tea" },
            "holds": [],
            "weekdays": ["mon", "tue"],
            "ends": null,
            "redemptions": [{ "id": "red_2", "user_id": "ann" }, { "id": "red_1", "at": 7 }],
        });
        let shown = "id             camp_1\ncounts.issued  3\nreward         {\"gift\":\"tea\"}\n\
                     holds          -\nweekdays       mon,tue\nends           -\n\nredemptions:\n\
                     id     user_id  at\nred_2  ann\nred_1           7";
        assert_eq!(details(&object, &["id"]), shown);
    }
}
