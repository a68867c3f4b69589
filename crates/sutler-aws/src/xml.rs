//! Reading the XML that query services answer: by local names, since each service has a namespace of its own.

pub(crate) use roxmltree::Node;

/// Parses an answer.
pub(crate) fn parse(text: &str) -> Result<roxmltree::Document<'_>, roxmltree::Error> {
    roxmltree::Document::parse(text)
}

/// The first element of this name below `node`, at any depth.
pub(crate) fn element<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.descendants().find(|found| found.tag_name().name() == name)
}

/// The text of the first element of this name below `node`, at any depth; empty elements have the text "".
pub(crate) fn find<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    element(node, name).map(|found| found.text().unwrap_or_default())
}

/// The text of a direct child.
pub(crate) fn child<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let found = node.children().find(|found| found.tag_name().name() == name)?;
    Some(found.text().unwrap_or_default())
}

/// The items of a list: the children named `item` below the first element `list`. A list that is not there is empty.
pub(crate) fn items<'a, 'input>(node: Node<'a, 'input>, list: &str, item: &'a str) -> Vec<Node<'a, 'input>> {
    let Some(list) = element(node, list) else { return Vec::new() };
    list.children().filter(|child| child.tag_name().name() == item).collect()
}
