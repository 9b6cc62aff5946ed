"""
JSON Schemas of bodies and answers, and an example of each.

The example of a field stands at the field: `Annotated[str, Field(examples=["ABC Inc"])]`.
Without one, a value is made from the field's type.

Source: JSON Schema 2020-12, which OpenAPI 3.1 uses.
"""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

REF = "#/components/schemas/"
Json = dict[str, Any]
Key = tuple[str, JsonSchemaMode]  # the operation; "validation" is its body, else its answer

_EXAMPLES_BY_FORMAT = {
    "date-time": "2026-03-02T09:30:00Z",
    "uuid": "5c2f8e71-6b0d-4a39-b4e8-d3a1f7960c24",
}


def build_schemas(
    types: Sequence[tuple[str, JsonSchemaMode, TypeAdapter[Any]]],
) -> tuple[dict[Key, Json], Json]:
    """Make the schema of each of *types*, and the components that they refer to."""
    made, definitions = TypeAdapter.json_schemas(
        types, ref_template=f"{REF}{{model}}", schema_generator=_Schemas
    )
    components: Json = dict(sorted(definitions.get("$defs", {}).items()))
    for component in components.values():
        component.pop("title", None)  # the name again
    return made, components


def make_example(schema: Json, components: Json) -> Any:
    """Return the example in *schema*, or else a value that *schema* allows."""
    component: Json = components[schema["$ref"].removeprefix(REF)] if "$ref" in schema else {}
    match component | schema:
        case (
            {"examples": [example, *_]}
            | {"enum": [example, *_]}
            | {"const": example}
            | {"default": example}
        ):
            return example
        case {"properties": fields}:
            return {name: make_example(field, components) for name, field in fields.items()}
        case {"anyOf": [first, *_]}:
            return make_example(first, components)
        case {"type": "array", "items": items}:
            return [make_example(items, components)]
        case {"type": "integer" | "number", **limits}:
            return limits.get("minimum", 1)
        case {"type": "boolean"}:
            return True
        case {"type": "object"}:
            return {}
        case {"type": "null"}:
            return None
        case {**limits}:
            return _EXAMPLES_BY_FORMAT.get(limits.get("format", ""), "text")


class _Schemas(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        """Leave titles out: they only repeat the name of the field."""
        return False

    def normalize_name(self, name: str) -> str:
        """Name the component of `Page[Invoice]` InvoicePage, for generated clients."""
        return super().normalize_name(re.sub(r"(\w+)\[(\w+)\]", r"\2\1", name))
