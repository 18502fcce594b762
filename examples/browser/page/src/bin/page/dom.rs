//! The few words in which the page speaks to the document.

use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Event, HtmlElement};

pub(crate) fn document() -> Result<Document, JsValue> {
    web_sys::window().and_then(|window| window.document()).ok_or_else(|| "no document".into())
}

/// The element of this id, which must be of this type.
pub(crate) fn by_id<T: JsCast>(id: &str) -> Result<T, JsValue> {
    let element = document()?.get_element_by_id(id);
    let missing = || format!("the markup has no #{id}, or one of another type").into();
    element.and_then(|element| element.dyn_into().ok()).ok_or_else(missing)
}

/// Adds an element with a text to another.
pub(crate) fn append(parent: &HtmlElement, tag: &str, text: &str) -> Result<HtmlElement, JsValue> {
    let child: HtmlElement = document()?.create_element(tag)?.unchecked_into();
    child.set_text_content(Some(text));
    parent.append_child(&child)?;
    Ok(child)
}

/// Calls this for every such event, for as long as the page lives.
pub(crate) fn on(
    element: &HtmlElement,
    event: &str,
    handler: impl Fn(Event) + 'static,
) -> Result<(), JsValue> {
    let handler = Closure::<dyn Fn(Event)>::new(handler);
    element.add_event_listener_with_callback(event, handler.as_ref().unchecked_ref())?;
    handler.forget();
    Ok(())
}
