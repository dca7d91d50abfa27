"""nginx configurations of the upstream and of each gateway. Every gateway has
one worker, keeps its connections to the upstream and verifies its TLS."""

import os
import resource

HEAD = """
{modules}
{user}
worker_processes 1;
worker_rlimit_nofile {files_limit};
pid nginx.pid;
error_log error.log error;
events {{ worker_connections 16000; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    client_body_buffer_size 64k;
"""

PROXY = """
    upstream openai {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=8192;
        location = /realtime/webrtc-offer {{
            {access}
            proxy_pass https://openai/v1/realtime/calls;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host localhost;
            proxy_set_header Authorization "Bearer {key}";
            proxy_ssl_verify on;
            proxy_ssl_name localhost;
            proxy_ssl_server_name on;
            proxy_ssl_protocols TLSv1.2 TLSv1.3;
            proxy_ssl_trusted_certificate {ca};
            proxy_read_timeout 60s;
        }}
    }}
}}
"""

LUA = """load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;"""

REALTIME = """
    realtime_jwt_key {secret} alg=HS256;
    realtime_roles SuperAdmin Formateur-int Formateur-ext Formé;
    {store}
    upstream openai {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=8192;
        location = /realtime/webrtc-offer {{
            realtime_offer;
            realtime_upstream https://openai/v1 name=localhost;
            realtime_api_key_file {key_file};
            realtime_models gpt-realtime-2.1;
            realtime_ssl_trusted_certificate {ca};
            realtime_timeout 60s;
        }}
        {transcripts}
    }}
}}
"""

# reads the offer and answers as the API does; with a delay where the request
# asks for one, for what an offer in flight costs
UPSTREAM = """
    server {{
        listen 127.0.0.1:{port} ssl backlog=8192;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate_key};
        ssl_session_cache shared:tls:1m;
        keepalive_timeout 300s;
        default_type application/sdp;
        {delay}
        location {answer_location} {{
            add_header Location /v1/realtime/calls/rtc_bench always;
            return 201 "{answer}";
        }}
    }}
}}
"""

FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def _head(modules):
    user = "user root root;" if os.geteuid() == 0 else ""   # the run's folder is its starter's
    return HEAD.format(modules=modules, files_limit=FILES, user=user)


def upstream(port, files, answer, delay=0):
    lua = "location / {{ rewrite_by_lua_block {{ ngx.req.read_body() ngx.sleep({}) ngx.exec('/answer') }} }}"
    location = "= /answer" if delay else "/"
    return (_head(LUA if delay else "")
            + UPSTREAM.format(port=port, certificate=files / "server.crt", certificate_key=files / "server.key",
                              answer=answer.replace("\r\n", "\\r\\n"),
                              answer_location=location, delay=lua.format(delay) if delay else ""))


def bare(port, files, upstream_port):
    return _head("") + PROXY.format(port=port, upstream=upstream_port, ca=files / "ca.crt",
                                    key=(files / "openai.key").read_text(), access="")


def lua(port, files, upstream_port, lua_file):
    access = ("access_by_lua_block { local check = require 'jwt' "
              f"check(require('bench_secret')) }}")
    head = _head(LUA) + f'    lua_package_path "{lua_file.parent}/?.lua;{files.folder}/?.lua;;";\n'
    return head + PROXY.format(port=port, upstream=upstream_port, ca=files / "ca.crt",
                               key=(files / "openai.key").read_text(), access=access)


def realtime(port, files, upstream_port, module, store=""):
    transcripts = ("location /realtime/transcripts { realtime_transcripts; add_header X-Time $request_time; }"
                   if store else "")
    return (_head(f"load_module {module};")
            + REALTIME.format(port=port, upstream=upstream_port, secret=files / "jwt.key", ca=files / "ca.crt",
                             key_file=files / "openai.key", transcripts=transcripts,
                              store=f"realtime_store {store};" if store else ""))
