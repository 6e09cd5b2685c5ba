//! `{% generation %}…{% endgeneration %}`, which transformers adds to Jinja to mark what a model is trained on. What is
//! between the tags is printed and its assignments end there, as between `{% with %}` and `{% endwith %}`.

/// The source with those tags in place of these; its lines keep their numbers.
pub fn replace(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut at = 0; // what is before is in `out`
    while let Some(open) = source[at..].find('{').map(|found| at + found) {
        let end = match source.as_bytes().get(open + 1) {
            Some(b'#') => source[open..].find("#}").map_or(source.len(), |found| open + found),
            Some(b'{') => end_of_code(source, open + 2, b"}}"),
            Some(b'%') => {
                let (name_at, name) = tag_name(source, open + 2);
                let behind = name_at + name.len();
                out.push_str(&source[at..name_at]);
                out.push_str(match name {
                    "generation" => "with",
                    "endgeneration" => "endwith",
                    other => other,
                });
                at = behind;
                match name {
                    "raw" => source[behind..].find("endraw").map_or(source.len(), |found| behind + found),
                    _ => end_of_code(source, behind, b"%}"),
                }
            }
            _ => open + 1,
        };
        out.push_str(&source[at..end]);
        at = end;
    }
    out + &source[at..]
}

/// Where the name of a tag is whose inside begins at `inside`, and the name.
fn tag_name(source: &str, inside: usize) -> (usize, &str) {
    let name = source[inside..].trim_start_matches(['-', '+']).trim_start();
    let length = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
    (source.len() - name.len(), &name[..length])
}

/// Where `end` stands behind `at`, but for strings.
fn end_of_code(source: &str, mut at: usize, end: &[u8]) -> usize {
    let bytes = source.as_bytes();
    let mut quote = None;
    while at < bytes.len() {
        match quote {
            None if bytes[at..].starts_with(end) => return at,
            None => quote = Some(bytes[at]).filter(|byte| matches!(byte, b'"' | b'\'')),
            Some(_) if bytes[at] == b'\\' => at += 1,
            Some(open) if bytes[at] == open => quote = None,
            Some(_) => {}
        }
        at += 1;
    }
    bytes.len()
}
