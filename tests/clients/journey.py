"""The booking journey, from a host's registration to the free slot after a cancellation, with exact assertions."""

import argparse
import base64
import datetime
import json
import random
import threading
import time
import urllib.request

from transports import GrpcByReflection, GrpcWebByBuf, Refused

AUTH = "carshare.auth.v1.AuthService"
VEHICLE = "carshare.vehicle.v1.VehicleService"
BOOKING = "carshare.booking.v1.BookingService"
PAYMENT = "carshare.payment.v1.PaymentService"
NOTIFICATION = "carshare.notification.v1.NotificationService"

# A PNG of one pixel.
PHOTO = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def http(method, url, body=None, headers=None):
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    headers = dict(headers or {}, **({"Content-Type": "application/json"} if isinstance(body, dict) else {}))
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=20) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def eventually(what, ask, seconds=30):
    """Asks until the answer is truthy."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"not in {seconds} s: {what}")


def refused(call, status, code):
    try:
        call()
    except Refused as refusal:
        assert (refusal.status, refusal.code) == (status, code), refusal
    else:
        raise AssertionError(f"expected {code}")


def plate():
    return f"{random.randint(10, 69)}하{random.randint(1000, 9999)}"


def journey(mesh, sandbox):
    tag = f"{random.getrandbits(48):x}"

    def register(role):
        body = {
            "email": f"{role.lower()}-{tag}@example.com",
            "password": "correct horse 42",
            "name": "박서준",
            "phone": "010-2345-6789",
            "role": f"ROLE_{role}",
        }
        return mesh.call(f"{AUTH}/Register", body)

    host, guest = register("HOST"), register("GUEST")
    host_token, guest_token = host["access_token"], guest["access_token"]
    assert mesh.call(f"{AUTH}/GetMe", {}, guest_token)["id"] == guest["user"]["id"]
    refused(lambda: mesh.call(f"{AUTH}/GetMe", {}), "UNAUTHENTICATED", "AUTH001")

    vehicle = mesh.call(
        f"{VEHICLE}/CreateVehicle",
        {
            "license_plate": plate(),
            "make": "Genesis",
            "model": "G80",
            "year": 2025,
            "fuel_type": "FUEL_TYPE_GASOLINE",
            "transmission": "TRANSMISSION_AUTOMATIC",
            "hourly_rate": "20000",
            "location_address": "서울 중구 세종대로 110",
        },
        host_token,
    )
    assert vehicle["status"] == "VEHICLE_STATUS_INACTIVE"
    upload = mesh.call(
        f"{VEHICLE}/CreateImageUpload",
        {"vehicle_id": vehicle["id"], "content_type": "image/png", "size_bytes": str(len(PHOTO))},
        host_token,
    )
    http(upload["method"], upload["url"], PHOTO, upload["headers"])
    active = mesh.call(
        f"{VEHICLE}/CompleteImageUpload", {"vehicle_id": vehicle["id"], "image_id": upload["image_id"]}, host_token
    )
    assert active["status"] == "VEHICLE_STATUS_ACTIVE"
    assert len(active["images"]) == 1

    customer = mesh.call(f"{PAYMENT}/GetPaymentCustomer", {}, guest_token)["customer_key"]
    card = http(
        "POST",
        f"{sandbox}/toss/sandbox/cards",
        {"customerKey": customer, "cardNumber": "4330123412341234", "cardExpirationYear": "30", "cardExpirationMonth": "12"},
    )
    method = mesh.call(f"{PAYMENT}/RegisterPaymentMethod", {"auth_key": card["authKey"]}, guest_token)
    assert method["is_default"] is True

    start = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(
        days=random.randint(10, 150)
    )
    period = {
        "start_datetime": start.isoformat().replace("+00:00", "Z"),
        "end_datetime": (start + datetime.timedelta(hours=4)).isoformat().replace("+00:00", "Z"),
    }

    def found():
        query = {"lat": 37.5663, "lng": 126.9778, "radius": 1, "page_size": 200, **period}
        cars = mesh.call(f"{VEHICLE}/SearchVehicles", query).get("vehicles", [])
        return any(car["id"] == vehicle["id"] for car in cars)

    assert found()

    seen = {}

    def follow(who, token, kind):
        is_it = lambda message: message.get("notification", {}).get("type") == kind
        seen[who] = mesh.stream(f"{NOTIFICATION}/Subscribe", {"cursor": "0"}, token, is_it)

    streams = [
        threading.Thread(target=follow, args=("host", host_token, "booking.requested")),
        threading.Thread(target=follow, args=("guest", guest_token, "booking.confirmed")),
    ]
    for stream in streams:
        stream.start()

    booking = mesh.call(f"{BOOKING}/CreateBooking", {"vehicle_id": vehicle["id"], **period}, guest_token)
    assert booking["status"] == "BOOKING_STATUS_PENDING"
    assert (booking["total_amount"], booking["platform_fee"]) == ("80000", "12000")
    assert not found()
    refused(
        lambda: mesh.call(f"{BOOKING}/CreateBooking", {"vehicle_id": vehicle["id"], **period}, guest_token),
        "FAILED_PRECONDITION",
        "BOOKING002",
    )
    streams[0].join(40)
    assert seen["host"]["notification"]["data"]["booking_id"] == booking["id"]

    mesh.call(f"{BOOKING}/ApproveBooking", {"booking_id": booking["id"], "host_response": "네, 좋습니다."}, host_token)
    streams[1].join(40)
    assert seen["guest"]["notification"]["data"]["booking_id"] == booking["id"]
    confirmed = mesh.call(f"{BOOKING}/GetBooking", {"booking_id": booking["id"]}, guest_token)
    assert (confirmed["status"], confirmed["payment_status"]) == ("BOOKING_STATUS_APPROVED", "PAYMENT_STATUS_PAID")
    assert confirmed["confirmed_at"]

    order = mesh.call(f"{PAYMENT}/GetBookingPayment", {"booking_id": booking["id"]}, guest_token)["order_id"]

    def charges():
        listed = http("GET", f"{sandbox}/toss/sandbox/payments")
        payments = listed["payments"] if isinstance(listed, dict) else listed
        return [payment for payment in payments if payment["orderId"] == order]

    assert [(p["status"], p["totalAmount"]) for p in charges()] == [("DONE", 80000)]

    mesh.call(f"{BOOKING}/CancelBooking", {"booking_id": booking["id"]}, guest_token)

    def refunded():
        now = mesh.call(f"{BOOKING}/GetBooking", {"booking_id": booking["id"]}, guest_token)
        return now["payment_status"] == "PAYMENT_STATUS_REFUNDED" and now

    assert eventually("the refund", refunded)["status"] == "BOOKING_STATUS_CANCELLED"
    assert [(p["status"], p["balanceAmount"]) for p in charges()] == [("CANCELED", 0)]
    eventually("the slot is free again", found)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--gateway", default="http://127.0.0.1:8080")
    options.add_argument("--sandbox", default="http://127.0.0.1:8090")
    options.add_argument("--buf", default="buf")
    options.add_argument("--schema", default="proto")
    given = options.parse_args()
    for mesh in [GrpcByReflection(given.gateway), GrpcWebByBuf(given.gateway, given.buf, given.schema)]:
        journey(mesh, given.sandbox)
        print(f"passed: {mesh.name}", flush=True)


if __name__ == "__main__":
    main()
