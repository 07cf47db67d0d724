#pragma once

/// For programs: the server with HTTP, WebSocket, server-sent events and Socket.IO, tokens, and the
/// clients. Include separately what few programs need: socketio/value.hpp, socketio/adapter.hpp,
/// cluster/adapter.hpp, cluster/emitter.hpp, socketio/adapt/, base/json_writer.hpp. Libraries and
/// large programs include what they use.

#include <weft/auth/claims.hpp>
#include <weft/auth/verifier.hpp>
#include <weft/base/task.hpp>
#include <weft/cluster/redis_options.hpp>
#include <weft/http/router.hpp>
#include <weft/http/static_files.hpp>
#include <weft/net/awaitable.hpp>
#include <weft/net/loop.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/schema/schema.hpp>
#include <weft/server/server.hpp>
#include <weft/socketio/client.hpp>
#include <weft/socketio/client_thread.hpp>
#include <weft/socketio/json.hpp>
#include <weft/socketio/server.hpp>
#include <weft/sse/endpoint.hpp>
#include <weft/sse/message.hpp>
#include <weft/ws/client.hpp>
#include <weft/ws/endpoint.hpp>
