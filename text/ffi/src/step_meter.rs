//! Makes every template pay for its work. minijinja counts instructions and the bytes they make, but storing and
//! comparing a value are one step whatever its size, and lists that hold the same list twice double with every
//! assignment. So the compiled code gets a filter before each of them that visits the value and counts what it sees.
//! A namespace may not hold a namespace: one that holds itself could be neither printed nor freed.

use minijinja::machinery::{parse, CodeGenerator, Instruction, Instructions};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, State, Value};
use std::collections::BTreeMap;

const METERED: &str = "_metered";
const PLAIN: &str = "_plain";
/// No filter of a template has this slot of the filter cache: it means "not cached".
const NO_SLOT: u8 = u8::MAX;
/// One step pays for this many bytes, as in minijinja.
const BYTES_PER_STEP: usize = 64;

pub struct Program<'source> {
    pub main: Instructions<'source>,
    pub blocks: BTreeMap<&'source str, Instructions<'source>>,
}

pub fn compile<'source>(
    name: &'source str,
    source: &'source str,
    syntax: SyntaxConfig,
) -> Result<Program<'source>, Error> {
    let tree = parse(source, name, syntax)?;
    let mut code = CodeGenerator::new(name, source);
    code.compile_stmt(&tree);
    let (main, blocks) = code.finish();
    let blocks = blocks.into_iter().map(|(block, code)| (block, metered(name, source, &code))).collect();
    Ok(Program { main: metered(name, source, &main), blocks })
}

pub fn add_filters(env: &mut Environment<'_>) {
    env.add_filter(METERED, |state: &State, value: Value| visit(state, &value, true).map(|()| value));
    env.add_filter(PLAIN, |state: &State, value: Value| visit(state, &value, false).map(|()| value));
}

fn visit(state: &State, value: &Value, namespaces: bool) -> Result<(), Error> {
    state.consume_fuel(1 + value.as_str().map_or(0, |text| text.len() / BYTES_PER_STEP) as u64)?;
    let Some(object) = value.as_object() else { return Ok(()) };
    if !namespaces && object.type_name().ends_with("::Namespace") {
        return Err(Error::new(ErrorKind::InvalidOperation, "a namespace cannot be stored in a namespace"));
    }
    // Iterators without a length make their items when asked: there is nothing to visit yet.
    if object.enumerator_len().is_none() {
        return Ok(());
    }
    for item in value.try_iter()? {
        if value.kind() == ValueKind::Map {
            visit(state, &value.get_item(&item)?, namespaces)?;
        }
        visit(state, &item, namespaces)?;
    }
    Ok(())
}

/// The same code with the filters in it.
fn metered<'source>(
    name: &'source str,
    source: &'source str,
    code: &Instructions<'source>,
) -> Instructions<'source> {
    let filter = |filter| Instruction::ApplyFilter(filter, Some(1), NO_SLOT);
    let mut out = Instructions::new(name, source);
    let mut moved_to = Vec::new();
    let mut end = 0;
    let mut add = |instruction, index| match code.get_line(index) {
        Some(line) => out.add_with_line(instruction, line as u16),
        None => out.add(instruction),
    };
    for index in 0.. {
        let Some(instruction) = code.get(index) else { break };
        let mut first = None;
        let mut add = |instruction| {
            let at = add(instruction, index);
            first.get_or_insert(at);
            end = at + 1;
        };
        match instruction {
            Instruction::StoreLocal(_)
            | Instruction::Eq
            | Instruction::Ne
            | Instruction::Lt
            | Instruction::Lte
            | Instruction::Gt
            | Instruction::Gte
            | Instruction::In
            | Instruction::CompareAndPreserve(_) => add(filter(METERED)),
            // The namespace lies above the value.
            Instruction::SetAttr(_) => {
                add(Instruction::Swap);
                add(filter(PLAIN));
                add(Instruction::Swap);
            }
            _ => {}
        }
        add(instruction.clone());
        moved_to.push(first.unwrap_or_default());
    }
    for index in 0..end {
        if let Some(target) = out.get_mut(index).and_then(jump_target) {
            *target = moved_to.get(*target as usize).copied().unwrap_or(end);
        }
    }
    out
}

fn jump_target<'a>(instruction: &'a mut Instruction<'_>) -> Option<&'a mut u32> {
    match instruction {
        Instruction::Iterate(target)
        | Instruction::Jump(target)
        | Instruction::JumpIfFalse(target)
        | Instruction::JumpIfFalseOrPop(target)
        | Instruction::JumpIfTrueOrPop(target)
        | Instruction::BuildMacro(_, target, _) => Some(target),
        _ => None,
    }
}
