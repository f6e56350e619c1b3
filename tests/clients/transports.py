"""Two ways to call the mesh: native gRPC by reflection, gRPC-web by buf. Both take and give canonical protobuf JSON."""

import base64
import json
import subprocess
import threading

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


class Refused(Exception):
    """A refusal: the gRPC status name and the product's code."""

    def __init__(self, status, code):
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


def product_code(packed_status):
    """The `code` of the ErrorInfo inside a packed google.rpc.Status."""
    from google.rpc import error_details_pb2, status_pb2

    status = status_pb2.Status.FromString(packed_status)
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info.metadata["code"]
    return ""


def error_info_code(details):
    """The same of the details as buf prints them: the type and the message, encoded without padding."""
    from google.rpc import error_details_pb2

    for detail in details:
        if detail["type"] == "google.rpc.ErrorInfo":
            packed = base64.b64decode(detail["value"] + "==")
            return error_details_pb2.ErrorInfo.FromString(packed).metadata["code"]
    return ""


class GrpcByReflection:
    """Python grpcio. Knows no message type before it has asked the gateway."""

    name = "native gRPC, Python grpcio over reflection"

    def __init__(self, gateway):
        self.channel = grpc.insecure_channel(gateway.removeprefix("http://"))
        self.pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(self.channel))
        # Two threads that ask the pool for the same file at once break it.
        self.asking = threading.Lock()

    def _method(self, path):
        service, method = path.split("/")
        with self.asking:
            found = self.pool.FindServiceByName(service).FindMethodByName(method)
        request = message_factory.GetMessageClass(found.input_type)
        reply = message_factory.GetMessageClass(found.output_type)
        return request, reply

    @staticmethod
    def _metadata(token):
        return [("authorization", f"Bearer {token}")] if token else []

    def call(self, path, body, token=None):
        request, reply = self._method(path)
        rpc = self.channel.unary_unary(f"/{path}", request.SerializeToString, reply.FromString)
        try:
            answer = rpc(json_format.ParseDict(body, request()), metadata=self._metadata(token), timeout=20)
        except grpc.RpcError as error:
            packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
            raise Refused(error.code().name, product_code(packed)) from error
        return json_format.MessageToDict(answer, preserving_proto_field_name=True)

    def stream(self, path, body, token, until, seconds=30):
        """Reads the stream until `until(message)` is true; returns that message."""
        request, reply = self._method(path)
        rpc = self.channel.unary_stream(f"/{path}", request.SerializeToString, reply.FromString)
        answers = rpc(json_format.ParseDict(body, request()), metadata=self._metadata(token), timeout=seconds)
        for answer in answers:
            message = json_format.MessageToDict(answer, preserving_proto_field_name=True)
            if until(message):
                answers.cancel()
                return message
        raise AssertionError("the stream ended first")


class GrpcWebByBuf:
    """`buf curl --protocol grpcweb`, a process per call."""

    name = "gRPC-web, buf curl"

    def __init__(self, gateway, buf, schema):
        self.gateway, self.buf, self.schema = gateway, buf, schema

    def _command(self, path, body, token):
        command = [self.buf, "curl", "--protocol", "grpcweb", "--schema", self.schema, "-d", json.dumps(body)]
        if token:
            command += ["-H", f"Authorization: Bearer {token}"]
        return [*command, f"{self.gateway}/{path}"]

    def call(self, path, body, token=None):
        done = subprocess.run(self._command(path, body, token), capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            error = json.loads(done.stderr)
            raise Refused(error["code"].upper(), error_info_code(error.get("details", [])))
        return snake(json.loads(done.stdout or "{}"))

    def stream(self, path, body, token, until, seconds=30):
        """Reads the stream until `until(message)` is true; returns that message."""
        process = subprocess.Popen(self._command(path, body, token), stdout=subprocess.PIPE, text=True)
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            text, decoder = "", json.JSONDecoder()
            for line in process.stdout:
                text += line
                try:
                    message, end = decoder.raw_decode(text.lstrip())
                except json.JSONDecodeError:
                    continue
                text = text.lstrip()[end:]
                message = snake(message)
                if until(message):
                    return message
            raise AssertionError("the stream ended first")
        finally:
            timer.cancel()
            process.kill()


def snake(value):
    """lowerCamelCase keys as snake_case; map keys of ours are snake_case already."""
    if isinstance(value, dict):
        return {"".join(f"_{c.lower()}" if c.isupper() else c for c in key): snake(item) for key, item in value.items()}
    return [snake(item) for item in value] if isinstance(value, list) else value
