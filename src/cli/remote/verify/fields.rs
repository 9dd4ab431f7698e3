//! What two texts in JSON say otherwise, field by field.

use serde_json::Value;

/// The fields in which two events differ, with what each of them says there.
pub(super) fn differing(one: &str, other: &str) -> (String, String) {
    let read = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    walk("", &read(one), &read(other), &mut ones, &mut others);
    // The same fields in another order, or other spaces between them.
    if ones.is_empty() && others.is_empty() {
        return (one.to_owned(), other.to_owned());
    }
    (ones.join(" "), others.join(" "))
}

fn walk(path: &str, one: &Value, other: &Value, ones: &mut Vec<String>, others: &mut Vec<String>) {
    match (one, other) {
        (one, other) if one == other => {}
        (Value::Object(one), Value::Object(other)) => {
            let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
            for name in names {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let of = |object: &serde_json::Map<String, Value>| {
                    object.get(name).cloned().unwrap_or(Value::Null)
                };
                walk(&path, &of(one), &of(other), ones, others);
            }
        }
        (one, other) => {
            ones.push(format!("{path}={one}"));
            others.push(format!("{path}={other}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let one = r#"{"id":"a","redemption":{"user_id":"ada","metadata":{"n":1}},"x":1}"#;
        let other = r#"{"id":"a","redemption":{"user_id":"eve","metadata":{"n":1}}}"#;
        let (ones, others) = differing(one, other);
        assert_eq!(ones, r#"redemption.user_id="ada" x=1"#);
        assert_eq!(others, r#"redemption.user_id="eve" x=null"#);
    }
}
