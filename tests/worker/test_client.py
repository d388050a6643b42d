"""The app's client against the worker's server, in one process."""

import os
import socket
import threading
import time

import numpy as np
import pytest
from pyarrow import flight

from tests.gpu.tiny import picture
from tests.worker.embed_world import with_model
from workbench.errors import BadImage, InputError, MissingWeights, UnknownName, WorkerError
from workbench.types import WorkerInfo
from workbench.worker import client as client_module
from workbench.worker import wire
from workbench.worker.client import Client
from workbench.worker.server import Server


def announce(space, server, token=None, number="w1"):
    space.workers.register(
        WorkerInfo(
            id=number,
            pid=os.getpid(),
            host=socket.gethostname(),
            address=server.address,
            token=token or server.token,
            device="cpu",
            precision="fp32",
            gpu_present=False,
            memory_used=0,
            memory_total=0,
            job=None,
            models=(),
            started=time.time(),
            heartbeat=time.time(),
        )
    )


def serving(space, models):
    server = Server(space, models)
    threading.Thread(target=server.serve, daemon=True).start()
    announce(space, server)
    return server


@pytest.fixture
def models(space, tiny):
    return with_model(space, tiny)


@pytest.fixture
def server(space, models):
    server = serving(space, models)
    yield server
    server.shutdown()


@pytest.fixture
def client(space, server):
    client = Client(space, patience=0.5)
    yield client
    client.close()


def test_texts_and_images_are_encoded_as_by_the_model_itself(client, models):
    encoder = models.get("tiny")
    texts = ["a red apple", "a dog", "a red apple"]
    found = client.encode_text("tiny", texts)
    assert found.dtype == np.float32 and np.array_equal(found[0], found[2])
    assert np.abs(found - encoder.encode_texts(texts)).max() < 1e-6
    data = picture(1)
    wanted = encoder.encode_images(encoder.preprocess.decode(data)[None])[0]
    assert np.abs(client.encode_image("tiny", data) - wanted).max() < 1e-6
    assert client.encode_text("tiny", []).shape == (0, 16)
    assert client.token_counts("tiny", ["", "red apple"]) == [2, 4]
    assert client.ping() < 5


def test_a_repeated_text_is_not_encoded_again(client, models, monkeypatch):
    first = client.encode_text("tiny", ["a red apple"])
    encoder = models.get("tiny")
    monkeypatch.setattr(type(encoder), "encode_texts", lambda *_: pytest.fail("encoded again"))
    assert np.array_equal(client.encode_text("tiny", ["a red apple"]), first)
    key = client._workspace.catalog.model("tiny").key
    assert np.array_equal(client.encode_text(key, ["a red apple"]), first)


def test_the_cache_is_bounded(client, monkeypatch):
    monkeypatch.setattr(client_module, "_CACHED_TEXTS", 10)
    many = [f"text {number}" for number in range(150)]
    assert client.encode_text("tiny", many).shape == (150, 16)
    assert [text for _, text in client._texts] == many[-10:]


def test_errors_arrive_as_what_they_are(client):
    with pytest.raises(UnknownName, match="unknown model 'none'"):
        client.encode_text("none", ["a"])
    with pytest.raises(BadImage, match="the image cannot be used"):
        client.encode_image("tiny", b"GIF, or not")
    with pytest.raises(UnknownName, match="unknown architecture 'ViT-B-31'"):
        client.register_model("ViT-B-31", "openai", name="x")
    with pytest.raises(InputError, match="expected a known call"):
        client._call("shutdown", {})


def test_missing_weights_name_the_file(client, monkeypatch):
    from workbench.gpu import hub

    monkeypatch.setenv("WORKBENCH_OFFLINE", "1")
    monkeypatch.setattr(hub, "cached", lambda place: None)
    info = client.register_model("ViT-B-32", "openai", name="clip")
    assert info.state == "missing" and "open_clip_model.safetensors" in info.note
    with pytest.raises(MissingWeights, match=r"expected open_clip_model.safetensors of timm/"):
        client.encode_text("clip", ["a"])


def test_a_model_is_registered_over_the_wire(client, space, tmp_path):
    from tests.gpu.tiny import bundle

    info = client.register_model("", str(bundle(tmp_path / "b", seed=3)), name="second")
    assert space.catalog.model("second") == info
    assert client.encode_text("second", ["a"]).shape == (1, 16)
    assert ("ViT-B-32", "openai") in client.known_models()


@pytest.mark.parametrize("headers", [[], [(b"authorization", b"Bearer wrong")]])
def test_a_call_without_the_token_is_refused(server, headers):
    options = flight.FlightCallOptions(headers=headers, timeout=10)
    with flight.FlightClient(server.address) as stranger:
        for kind in ("ping", "encode_text", "register_model"):
            with pytest.raises(flight.FlightUnauthenticatedError):
                list(stranger.do_action(flight.Action(kind, wire.pack({})), options))
        with pytest.raises(flight.FlightUnauthenticatedError):
            list(stranger.list_flights(options=options))


def test_the_server_listens_on_the_loopback_only(server):
    assert server.address.startswith("grpc://127.0.0.1:")
    own = socket.gethostbyname(socket.gethostname())
    if not own.startswith("127."):
        with socket.socket() as probe:
            assert probe.connect_ex((own, server.port)) != 0


def test_a_large_image_passes(client):
    noise = np.random.default_rng(0).integers(0, 255, (2000, 2400, 3), dtype=np.uint8)
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "BMP")
    assert len(buffer.getvalue()) > 14_000_000
    assert client.encode_image("tiny", buffer.getvalue()).shape == (16,)


def test_a_restarted_worker_is_found(space, models, server, client):
    client.encode_text("tiny", ["a"])
    server.shutdown()
    space.workers.remove("w1")
    second = Server(space, models)
    threading.Thread(target=second.serve, daemon=True).start()
    announce(space, second, number="w2")
    assert client.encode_text("tiny", ["b"]).shape == (1, 16)
    second.shutdown()


def test_a_changed_token_is_found(space, server, client):
    client.encode_text("tiny", ["a"])
    space.workers.remove("w1")
    client.close()
    announce(space, server, token="old")
    with pytest.raises(WorkerError, match="does not answer"):
        client.encode_text("tiny", ["b"])
    announce(space, server)
    assert client.encode_text("tiny", ["b"]).shape == (1, 16)


def test_without_a_worker_the_error_says_what_to_do(space, models):
    client = Client(space, patience=0.0)
    with pytest.raises(WorkerError, match=r"no worker is running.*`workbench worker`"):
        client.encode_text("tiny", ["a"])


def test_a_worker_of_another_machine_is_not_called(space, models, server):
    (worker,) = space.workers.alive()
    from dataclasses import replace

    space.workers.beat(replace(worker, host="elsewhere"))
    with pytest.raises(WorkerError, match="on this machine"):
        Client(space, patience=0.0).ping()


def test_many_threads_share_a_client(client):
    found = {}

    def ask(number):
        found[number] = client.encode_text("tiny", [f"text {number % 5}"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert all(np.allclose(found[n], found[n % 5], atol=1e-6) for n in found)
