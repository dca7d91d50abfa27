"""The HTTP face: OpenAI's endpoints, and the control endpoints of the sandbox itself."""

import asyncio

from aiohttp import WSMsgType, web

from . import ice, ids, intake, session as sessions
from .call import CallBook
from .errors import ApiError, call_not_found, out_of_range, unknown_parameter
from .faults import Faults
from .journal import Journal
from .keys import Keys

MAX_BODY = 8 * 1024 * 1024
KEY_SECONDS = 600
CONTROL = "/_sandbox/"


def error_response(error):
    return web.json_response(error.body(), status=error.status)


class Sandbox:
    """One listening sandbox. `start` gives its port, `stop` ends every call."""

    def __init__(self, key, max_duration):
        self.keys = Keys(key)
        self.calls = CallBook(max_duration)
        self.journal = Journal()
        self.stopping = asyncio.Event()
        self.faults = Faults(self.stopping)
        self.creating = set()
        self.runner = None

    async def start(self, port):
        application = web.Application(middlewares=[self._middleware], client_max_size=MAX_BODY)
        application.on_response_prepare.append(self._add_headers)
        route = application.router
        route.add_post("/v1/realtime/calls", self.create_call)
        route.add_post("/v1/realtime/calls/{id}/hangup", self.hang_up)
        route.add_post("/v1/realtime", self.create_beta_call)
        route.add_get("/v1/realtime", self.sideband)
        route.add_post("/v1/live/sessions", self.create_live_session)
        route.add_post("/v1/live/sessions/{id}/hangup", self.hang_up)
        route.add_get("/v1/live/sessions/{id}/attach", self.sideband)
        route.add_post("/v1/realtime/client_secrets", self.create_key)
        route.add_get(CONTROL + "calls", self.list_calls)
        route.add_get(CONTROL + "requests", self.list_requests)
        route.add_delete(CONTROL + "requests", self.forget_requests)
        route.add_get(CONTROL + "faults", self.list_faults)
        route.add_post(CONTROL + "faults", self.add_fault)
        route.add_delete(CONTROL + "faults", self.clear_faults)
        self.runner = web.AppRunner(application, access_log=None)
        await self.runner.setup()
        site = web.TCPSite(self.runner, ice.LOOPBACK, port, shutdown_timeout=0.2, backlog=1024)
        await site.start()
        return site._server.sockets[0].getsockname()[1]

    async def stop(self):
        self.stopping.set()
        await self.calls.close()
        await self.runner.cleanup()

    # What every request goes through.

    @web.middleware
    async def _middleware(self, request, handler):
        try:
            if request.path.startswith(CONTROL):
                return await handler(request)
            return await self._through_faults(request, handler)
        except ApiError as error:
            return error_response(error)
        except web.HTTPException as error:
            return error_response(ApiError(
                f"Invalid URL ({request.method} {request.path})", status=error.status))

    async def _through_faults(self, request, handler):
        body = await request.read()
        entry = self.journal.enter(request, body, self._key_kind(request))
        request["entry"] = entry

        async def handle():
            try:
                return await handler(request)
            except ApiError as error:
                return error_response(error)

        fault = self.faults.take(request)
        if fault is None:
            response = await handle()
        else:
            entry["fault"] = True
            response = await self.faults.happen(fault, request, handle)
        entry["status"] = response.status
        return response

    def _key_kind(self, request):
        """For the journal: which kind of key came, never the key."""
        try:
            return "standard" if self.keys.check(request.headers) is None else "ephemeral"
        except ApiError:
            return "wrong" if self.keys.given(request.headers) else "none"

    async def _add_headers(self, request, response):
        if not request.path.startswith(CONTROL):
            response.headers["x-request-id"] = ids.request()
            response.headers["openai-version"] = "2020-10-01"
            response.headers["openai-processing-ms"] = "12"
            # The real service's front sets cookies, which a gateway must not pass on.
            response.headers["Set-Cookie"] = "__cf_bm=sandbox; path=/; HttpOnly; Secure"

    # Calls.

    async def create_call(self, request):
        from_key = self.keys.check(request.headers)
        taken = intake.read(request.headers.get("Content-Type", ""), await request.read(),
                            request.query)
        for name in request.query:
            if name != "dcid":
                raise unknown_parameter(name)
        settings = taken.session
        if from_key is not None:
            settings = {**from_key, **(settings or {})}
        elif settings is None:
            raise ApiError("You must provide a session.", "missing_required_parameter", "session")
        call, answer = await self._create(request, "realtime", settings, taken)
        return self._sdp(answer, {"Location": f"/v1/realtime/calls/{call.id}"})

    async def create_beta_call(self, request):
        self.keys.check(request.headers)
        if "model" not in request.query:
            raise ApiError("You must provide a model parameter.", "missing_model", "model")
        taken = intake.Intake(await request.read())
        settings = {"model": request.query["model"]}
        _, answer = await self._create(request, "beta", settings, taken)
        return self._sdp(answer, {})

    async def create_live_session(self, request):
        self.keys.check_standard(request.headers)
        taken = intake.read("application/json", await request.read(), request.query)
        if request.query:
            raise unknown_parameter(next(iter(request.query)))
        call, answer = await self._create(request, "live", taken.session, taken)
        return web.json_response({"session": {"id": call.id},
                                  "transport": {"type": "webrtc", "sdp": answer}}, status=201)

    async def _create(self, request, dialect, settings, taken):
        """Create the call even when the client leaves meanwhile: it was asked for."""
        task = asyncio.ensure_future(
            self.calls.create(dialect, settings, taken.sdp(), taken.dcid))
        self.creating.add(task)
        task.add_done_callback(self.creating.discard)
        call, answer = await asyncio.shield(task)
        request["entry"]["call_id"] = call.id
        return call, answer

    @staticmethod
    def _sdp(answer, headers):
        return web.Response(status=201, body=answer.encode(),
                            headers={"Content-Type": "application/sdp", **headers})

    async def hang_up(self, request):
        self.keys.check_standard(request.headers)
        call = self.calls.live.get(self._id(request))
        if call is None:
            raise call_not_found()
        request["entry"]["call_id"] = call.id
        await call.end("hangup")
        return web.Response(status=200)

    @staticmethod
    def _id(request):
        return request.match_info.get("id") or request.query.get("call_id", "")

    async def create_key(self, request):
        self.keys.check_standard(request.headers)
        body = intake.read_json(await request.read())
        for name in body:
            if name not in ("session", "expires_after"):
                raise unknown_parameter(name)
        seconds = (body.get("expires_after") or {}).get("seconds", KEY_SECONDS)
        if not 10 <= seconds <= 7200:
            raise out_of_range("expires_after.seconds", seconds, 10, 7200)
        settings = body.get("session") or {"type": "realtime"}
        sessions.session("session", settings)
        key, expires = self.keys.create(settings, seconds)
        return web.json_response({"value": key, "expires_at": expires, "session": {
            **settings, "id": ids.new("sess"), "object": "realtime.session"}})

    async def sideband(self, request):
        """The WebSocket beside a call: the same events, trusted."""
        self.keys.check_standard(request.headers)
        call = self.calls.live.get(self._id(request))
        if call is None:
            raise call_not_found()
        socket = web.WebSocketResponse(protocols=("realtime",))
        await socket.prepare(request)
        queue = call.attach()
        reading = asyncio.ensure_future(self._read_sideband(socket, call, queue))
        try:
            while True:
                message = await queue.get()
                if message is None:
                    break
                await socket.send_str(message)
        except ConnectionError:
            pass
        finally:
            call.sidebands.discard(queue)
            reading.cancel()
            await socket.close()
        return socket

    @staticmethod
    async def _read_sideband(socket, call, queue):
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                call.receive(message.data, trusted=True)
        queue.put_nowait(None)

    # Control.

    async def list_calls(self, request):
        return web.json_response({"calls": self.calls.describe()})

    async def list_requests(self, request):
        return web.json_response({"requests": list(self.journal.entries)})

    async def forget_requests(self, request):
        self.journal.forget()
        return web.Response(status=204)

    async def list_faults(self, request):
        return web.json_response({"faults": self.faults.describe()})

    async def add_fault(self, request):
        fault = self.faults.add(intake.read_json(await request.read()))
        return web.json_response(fault.settings, status=201)

    async def clear_faults(self, request):
        self.faults.clear()
        return web.Response(status=204)
