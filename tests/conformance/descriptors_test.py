# SPDX-License-Identifier: Apache-2.0
"""Holds proto/ against the official descriptors: names, numbers, types, labels, enums and service methods must be the same.

The official ones come from the PyPI package `opentelemetry-proto`; ours from `protoc --descriptor_set_out`. Both ways count: what
we have and they don't is as wrong as what they have and we don't, unless ALLOWED says why.
"""

import importlib
import pathlib
import subprocess
import tempfile

import pytest
from google.protobuf import descriptor_pb2

PROTO_ROOT = pathlib.Path(__file__).resolve().parents[2] / "proto"

FILES = [
    "opentelemetry/proto/common/v1/common.proto",
    "opentelemetry/proto/resource/v1/resource.proto",
    "opentelemetry/proto/trace/v1/trace.proto",
    "opentelemetry/proto/metrics/v1/metrics.proto",
    "opentelemetry/proto/logs/v1/logs.proto",
    "opentelemetry/proto/collector/trace/v1/trace_service.proto",
    "opentelemetry/proto/collector/metrics/v1/metrics_service.proto",
    "opentelemetry/proto/collector/logs/v1/logs_service.proto",
]

# Facts that only one side has. Each must occur on exactly that side, so an entry that is no longer needed fails the test too.
# Empty: the project carries every message and field of the three signals, the *_strindex of profiles included.
ALLOWED: dict[str, str] = {}


def facts_of_field(field: descriptor_pb2.FieldDescriptorProto, message) -> tuple:
    oneof = ""
    if field.HasField("oneof_index"):
        oneof = message.oneof_decl[field.oneof_index].name
    return (
        field.number,
        descriptor_pb2.FieldDescriptorProto.Type.Name(field.type),
        descriptor_pb2.FieldDescriptorProto.Label.Name(field.label),
        field.type_name,
        field.proto3_optional,
        oneof,
    )


def add_enum(facts: dict, path: str, enum) -> None:
    facts[f"enum {path}"] = ()
    for value in enum.value:
        facts[f"value {path}.{value.name}"] = (value.number,)


def add_message(facts: dict, path: str, message) -> None:
    facts[f"message {path}"] = ()
    for field in message.field:
        facts[f"field {path}.{field.name}"] = facts_of_field(field, message)
    for nested in message.nested_type:
        add_message(facts, f"{path}.{nested.name}", nested)
    for enum in message.enum_type:
        add_enum(facts, f"{path}.{enum.name}", enum)
    reserved = {n for r in message.reserved_range for n in range(r.start, r.end)}
    facts[f"reserved {path}"] = tuple(sorted(reserved))


def facts_of_file(file: descriptor_pb2.FileDescriptorProto) -> dict:
    facts: dict = {f"package of {file.name}": (file.package, file.syntax)}
    for message in file.message_type:
        add_message(facts, f"{file.package}.{message.name}", message)
    for enum in file.enum_type:
        add_enum(facts, f"{file.package}.{enum.name}", enum)
    for service in file.service:
        for method in service.method:
            facts[f"method {file.package}.{service.name}/{method.name}"] = (
                method.input_type,
                method.output_type,
                method.client_streaming,
                method.server_streaming,
            )
    return facts


@pytest.fixture(scope="session")
def ours() -> dict[str, descriptor_pb2.FileDescriptorProto]:
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory) / "forager.binpb"
        subprocess.run(
            ["protoc", f"--descriptor_set_out={out}", "--include_imports", "-I", str(PROTO_ROOT), *FILES],
            check=True,
        )
        compiled = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    return {file.name: file for file in compiled.file}


def official(name: str) -> descriptor_pb2.FileDescriptorProto:
    module = importlib.import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
    file = descriptor_pb2.FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(file)
    return file


@pytest.mark.parametrize("name", FILES)
def test_same_schema_as_the_official_package(ours, name):
    mine, theirs = facts_of_file(ours[name]), facts_of_file(official(name))
    differences = [
        f"{fact}: ours {mine.get(fact, 'missing')}, official {theirs.get(fact, 'missing')}"
        for fact in sorted(mine.keys() | theirs.keys())
        if mine.get(fact) != theirs.get(fact) and fact not in ALLOWED
    ]
    assert not differences, "\n".join(differences)
    assert len(mine) > 3, "nothing was compared"


def test_allow_list_has_no_stale_entries(ours):
    mine: dict = {}
    theirs: dict = {}
    for name in FILES:
        mine |= facts_of_file(ours[name])
        theirs |= facts_of_file(official(name))
    stale = [fact for fact in ALLOWED if mine.get(fact) == theirs.get(fact)]
    assert not stale, f"allowed, but no longer different: {stale}"


def test_every_proto_file_of_the_project_is_compared():
    found = sorted(str(p.relative_to(PROTO_ROOT)) for p in PROTO_ROOT.rglob("*.proto"))
    assert found == sorted(FILES)
