"""Resource attributes that apps lack: from the environment, the pod, the ECS task and the instance, and never over the app's own."""

from __future__ import annotations

import time

import grpc
import otlp
import pytest
from aws_identity import ACCOUNT, REGION, TASK_ARN, AwsIdentity
from forager import wait_until
from judge.items import REQUESTS, SIGNALS
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

GIVEN = {
    "OTEL_SERVICE_NAME": "shop",
    "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,service.version=9,team=a%2Cb,grüße=%E2%82%AC",
    "K8S_POD_NAME": "shop-7d4",
    "K8S_POD_UID": "0ba1-22",
    "K8S_NAMESPACE": "prod",
    "K8S_NODE_NAME": "node-3",
    "FORAGER_APP_CONTAINER": "app",
}
ADDED = {
    "service.name": "shop",
    "team": "a,b",
    "grüße": "€",
    "k8s.pod.name": "shop-7d4",
    "k8s.pod.uid": "0ba1-22",
    "k8s.namespace.name": "prod",
    "k8s.node.name": "node-3",
    "k8s.container.name": "app",
}
OF_THE_TASK = {
    "cloud.provider": "aws",
    "cloud.platform": "aws_ecs",
    "cloud.region": REGION,
    "cloud.account.id": ACCOUNT,
    "cloud.availability_zone": f"{REGION}a",
    "aws.ecs.task.arn": TASK_ARN,
    "aws.ecs.task.family": "app",
    "aws.ecs.launchtype": "fargate",
}
WAYS = [("http", Compression.NoCompression), ("http", Compression.Gzip), ("grpc", grpc.Compression.NoCompression)]


def run_app(forager, protocol, compression, resource: dict[str, str], batches: int = 3) -> int:
    """A real app: spans of the SDK, several exports over one connection. Returns how many spans."""
    if protocol == "http":
        exporter = HttpExporter(endpoint=f"{forager.endpoint}/v1/traces", compression=compression)
    else:
        exporter = GrpcExporter(endpoint=f"http://127.0.0.1:{forager.grpc_port}", insecure=True, compression=compression)
    provider = TracerProvider(resource=Resource.create(resource))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("t")
    for batch in range(batches):
        for number in range(20):
            tracer.start_span(f"{batch}.{number}", attributes={"n": number}).end()
        assert provider.force_flush()
    provider.shutdown()
    return 20 * batches


def post(world, signal: str, message) -> None:
    """What arrives isn't what was sent, so it is not among the promises that the world checks byte for byte."""
    assert world.sender().post(signal, message, track=False).status == 200


def resources(world, signal: str = "traces") -> list[dict[str, str]]:
    """Of every message that came, in order."""
    found = []
    for request in world.judge.requests:
        if request.signal == signal and request.stored:
            message = REQUESTS[signal].FromString(request.plain)
            groups = message.ListFields()[0][1]
            found += [{each.key: each.value.string_value for each in group.resource.attributes} for group in groups]
    return found


@pytest.mark.parametrize(("protocol", "compression"), WAYS, ids=lambda each: getattr(each, "name", str(each)))
def test_what_an_app_lacks_is_added_and_what_it_says_stays(world, protocol, compression):
    """Scenario: an app of the real SDK that was told its version, but no name, beside a Forager that knows name, version, team and pod.
    Guarantees: each span has all that was missing, once a key; the app's own version; our name instead of the SDK's made-up one."""
    forager = world.start(**GIVEN)
    spans = run_app(forager, protocol, compression, {"service.version": "2.0", "k8s.node.name": "its own"})
    forager.wait_for_book(held=0, delivered=spans)
    for event in world.judge.events("span"):
        expected = ADDED | {"service.version": "2.0", "k8s.node.name": "its own", "telemetry.sdk.language": "python"}
        assert expected.items() <= event.data.items()
    for request in world.judge.requests:
        for group in REQUESTS["traces"].FromString(request.plain).resource_spans:
            keys = [each.key for each in group.resource.attributes]
            assert len(keys) == len(set(keys)), "a key comes once"


def test_an_app_with_a_name_keeps_it(world):
    """Also one that begins nearly as a made-up name does."""
    forager = world.start(**GIVEN)
    for name in ("checkout", "unknown"):
        run_app(forager, "http", Compression.NoCompression, {"service.name": name}, batches=1)
    forager.wait_for_book(held=0, delivered=40)
    assert {event.data["service.name"] for event in world.judge.events("span")} == {"checkout", "unknown"}


@pytest.mark.parametrize("signal", SIGNALS)
def test_each_signal_and_resource_gets_its_own(world, signal):
    """One request with three resources, of which each lacks something else; and one without any, over gRPC."""
    forager = world.start(OTEL_SERVICE_NAME="shop", OTEL_RESOURCE_ATTRIBUTES="team=a")
    message = otlp.BUILDERS[signal](2, service="first")
    merged = message.SerializeToString()
    second = otlp.BUILDERS[signal](2, service="second")
    second.ListFields()[0][1][0].resource.attributes.append(otlp.attribute("team", "b"))
    merged += second.SerializeToString()
    third = otlp.BUILDERS[signal](2)
    third.ListFields()[0][1][0].ClearField("resource")
    merged += third.SerializeToString()
    post(world, signal, merged)
    forager.wait_for_book(10, signal, held=0, delivered=6)
    world.grpc().post(signal, third, track=False)
    forager.wait_for_book(10, signal, held=0, delivered=8)
    ours = {"service.name": "shop", "team": "a"}
    assert resources(world, signal) == [
        {"service.name": "first", "team": "a"},
        {"service.name": "second", "team": "b"},
        ours,
        ours,
    ]


def test_turned_off_it_leaves_every_byte_alone(world):
    """Scenario: everything is known, and FORAGER_ENRICH=off; then the same request with it on.
    Guarantees: off, the judge has the very bytes; on, it has more."""
    body = otlp.traces(3, service="unknown_service").SerializeToString()
    forager = world.start(**GIVEN, FORAGER_ENRICH="off")
    assert world.sender().post("traces", body).status == 200
    forager.wait_for_book(held=0, delivered=3)
    assert [request.plain for request in world.judge.requests] == [body]
    assert forager.terminate() == 0
    forager = world.start(**GIVEN)
    post(world, "traces", body)
    forager.wait_for_book(held=0, delivered=3)
    assert len(world.judge.requests[-1].plain) > len(body)


def test_a_mistake_discards_the_whole_value(world):
    """A % without digits: a warning with the place, and none of the attributes, but the name from the other variable."""
    forager = world.start(OTEL_RESOURCE_ATTRIBUTES="team=a,discount=100%", OTEL_SERVICE_NAME="shop")
    forager.wait_for_line(r"OTEL_RESOURCE_ATTRIBUTES has a % without two hexadecimal digits in its member 2.*none of it is used")
    post(world, "traces", otlp.traces(1, service="unknown_service:x"))
    forager.wait_for_book(held=0, delivered=1)
    assert resources(world) == [{"service.name": "shop"}]


@pytest.mark.parametrize("container", ["app", ""])
def test_an_ecs_task_is_asked(world, container):
    """The task's attributes; those of the container only when the app's is named."""
    with AwsIdentity() as aws:
        forager = world.start(**aws.ecs_settings(), FORAGER_APP_CONTAINER=container)
        forager.wait_for_line(r"resource attributes that are added .*aws\.ecs\.task\.arn")
        post(world, "traces", otlp.traces(1))
        forager.wait_for_book(held=0, delivered=1)
    [found] = resources(world)
    assert (OF_THE_TASK | {"service.name": "demo"}).items() <= found.items()
    assert ("container.id" in found) == ("aws.ecs.container.arn" in found) == ("aws.log.group.names" in found) == bool(container)
    if container:
        [group] = REQUESTS["traces"].FromString(world.judge.requests[0].plain).resource_spans
        [names] = [each.value for each in group.resource.attributes if each.key == "aws.log.group.names"]
        assert [each.string_value for each in names.array_value.values] == ["/ecs/app"]


def test_an_instance_is_asked(world):
    """Identity document and host name by IMDSv2; in a pod nothing is said about the platform."""
    with AwsIdentity() as aws:
        forager = world.start(**aws.imds_settings(), FORAGER_ENRICH="ec2,k8s", K8S_POD_NAME="shop-7d4", OTEL_SERVICE_NAME="unused")
        forager.wait_for_line(r"resource attributes that are added .*host\.id")
        post(world, "traces", otlp.traces(1))
        forager.wait_for_book(held=0, delivered=1)
    [found] = resources(world)
    expected = {"host.id": "i-0123456789abcdef0", "host.type": "t3.micro", "cloud.region": REGION, "k8s.pod.name": "shop-7d4"}
    assert expected.items() <= found.items()
    assert "cloud.platform" not in found and found["service.name"] == "demo"


def test_a_silent_endpoint_holds_nobody_up(world):
    """Scenario: the task metadata endpoint takes the connection and says nothing.
    Guarantees: requests are answered and delivered meanwhile, with what is known at once; stopping doesn't wait for it either."""
    with AwsIdentity() as aws:
        aws.silent.add("task")
        forager = world.start(**aws.ecs_settings(), OTEL_SERVICE_NAME="shop")
        aws.wait_for(lambda it: it.count("task"), 10, "the question")
        post(world, "traces", otlp.traces(1, service="unknown_service"))
        forager.wait_for_book(held=0, delivered=1)
        assert aws.count("task") == 1, "the first question is still open"
        assert resources(world) == [{"service.name": "shop"}]
        began = time.monotonic()
        world.check_books(forager)
        assert forager.terminate() == 0
        assert time.monotonic() - began < 2.5


def test_a_failing_endpoint_is_told_in_the_log(world):
    """404: a warning, and everything else goes on."""
    with AwsIdentity() as aws:
        forager = world.start(ECS_CONTAINER_METADATA_URI_V4=f"{aws.url}/nowhere", OTEL_RESOURCE_ATTRIBUTES="team=a")
        forager.wait_for_line(r"resource attributes of the task or instance: .*404")
        post(world, "traces", otlp.traces(1))
        forager.wait_for_book(held=0, delivered=1)
        wait_until(lambda: resources(world) == [{"service.name": "demo", "team": "a"}], 5, "the resource")
