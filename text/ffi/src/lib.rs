//! The C boundary described in engine_text.h. Panics would abort the process, so nothing here may panic on input.

mod clock;
mod python_json;
mod template;
mod tokenizer;

use std::slice;

/// Bytes handed to the caller, or nothing (null).
#[repr(C)]
pub struct Buffer {
    data: *mut u8,
    size: usize,
}

impl Buffer {
    fn from_vec(bytes: Vec<u8>) -> Buffer {
        let boxed = bytes.into_boxed_slice();
        let size = boxed.len();
        Buffer { data: Box::into_raw(boxed) as *mut u8, size }
    }
}

/// # Safety
/// `buffer` came from this library and is freed once.
#[no_mangle]
pub unsafe extern "C" fn engine_text_free(buffer: Buffer) {
    if !buffer.data.is_null() {
        drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(buffer.data, buffer.size)));
    }
}

/// The caller's bytes; an empty slice may come with a null pointer.
unsafe fn bytes<'a>(data: *const u8, size: usize) -> &'a [u8] {
    if size == 0 { &[] } else { slice::from_raw_parts(data, size) }
}

unsafe fn text<'a>(data: *const u8, size: usize) -> Result<&'a str, String> {
    std::str::from_utf8(bytes(data, size)).map_err(|e| format!("the text is not valid UTF-8: {e}"))
}

/// Stores a result or its error where the caller asked for them.
unsafe fn store<T>(result: Result<T, String>, out: *mut T, error: *mut Buffer) -> i32 {
    match result {
        Ok(value) => {
            out.write(value);
            0
        }
        Err(message) => {
            error.write(Buffer::from_vec(message.into_bytes()));
            1
        }
    }
}
