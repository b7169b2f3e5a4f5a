/* A service on libwebsockets. Usage: libwebsockets_service HOST PORT PATH HEADER FILE
   It answers as answers.py does and tells the same, one line of JSON for each event. */
#include <jansson.h>
#include <libwebsockets.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { part_size = 10 << 20, compress_above = 1 << 20, long_text = 64, fragment_size = 64 << 10 };

typedef struct {
  unsigned char* bytes; /* LWS_PRE bytes for the library stand before them */
  size_t size, sent;
} Message;

typedef struct {
  const char *name, *value, *file;
  char* received; /* a message whose last fragment has not come yet */
  size_t received_size;
  Message answers[16]; /* waiting to be sent, in order */
  size_t first, last;
  int ended;
} Service;

static void die(const char* what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void tell(json_t* event) {
  json_dumpf(event, stdout, JSON_COMPACT);
  puts("");
  fflush(stdout);
  json_decref(event);
}

static json_t* md5(const unsigned char* data, size_t size) {
  unsigned char digest[16];
  char text[33];
  EVP_Digest(data, size, digest, NULL, EVP_md5(), NULL);
  for (int i = 0; i < 16; ++i) sprintf(text + 2 * i, "%02x", digest[i]);
  return json_string(text);
}

static json_t* base64(const unsigned char* data, size_t size) {
  char* text = malloc(size / 3 * 4 + 5);
  EVP_EncodeBlock((unsigned char*)text, data, (int)size);
  json_t* result = json_string(text);
  free(text);
  return result;
}

static json_t* deflated(const unsigned char* data, size_t size) {
  uLongf bound = compressBound(size);
  unsigned char* space = malloc(bound);
  if (compress(space, &bound, data, size) != Z_OK) die("compress failed");
  json_t* result = base64(space, bound);
  free(space);
  return result;
}

static json_t* head_of(json_t* request) {
  json_t* head = json_object();
  const char* key;
  json_t* value;
  json_object_foreach(request, key, value) {
    const int payload = !strcmp(key, "data") || !strcmp(key, "args") || !strcmp(key, "kwargs");
    if (!payload && json_string_length(value) <= long_text) json_object_set(head, key, value);
  }
  return head;
}

static void queue(Service* service, json_t* message) {
  Message* answer = &service->answers[service->last++ % 16];
  if (service->last - service->first > 16) die("more answers than there is room for");
  char* text = json_dumps(message, JSON_COMPACT);
  answer->size = strlen(text);
  answer->sent = 0;
  answer->bytes = malloc(LWS_PRE + answer->size);
  memcpy(answer->bytes + LWS_PRE, text, answer->size);
  free(text);
  json_decref(message);
}

static void queue_parts(Service* service, json_t* request, const unsigned char* data, size_t size) {
  const size_t count = (size + part_size - 1) / part_size;
  json_t* file_hash = md5(data, size);
  for (size_t i = 0; i < count; ++i) {
    const unsigned char* piece = data + i * part_size;
    const size_t piece_size = i + 1 < count ? part_size : size - i * part_size;
    json_t* part = head_of(request);
    json_object_update_new(
        part,
        json_pack("{si ss sI sO sI sI sI so}", "status", 200, "dataSerialization", "bytes", "fileSize",
                  (json_int_t)size, "fileHash", file_hash, "numParts", (json_int_t)count, "partId",
                  (json_int_t)i + 1, "dataSize", (json_int_t)piece_size, "hash", md5(piece, piece_size)));
    if (count > 1) json_object_set_new(part, "multipart", json_true());
    if (size > compress_above) json_object_set_new(part, "compressed", json_true());
    json_object_set_new(part, "data", (size > compress_above ? deflated : base64)(piece, piece_size));
    queue(service, part);
  }
  json_decref(file_hash);
}

static void queue_file(Service* service, json_t* request) {
  FILE* file = fopen(service->file, "rb");
  if (!file) die("no such file");
  fseek(file, 0, SEEK_END);
  const size_t size = (size_t)ftell(file);
  rewind(file);
  unsigned char* data = malloc(size);
  if (fread(data, 1, size, file) != size) die("the file cannot be read");
  fclose(file);
  queue_parts(service, request, data, size);
  free(data);
}

static void handle(Service* service) {
  json_t* request = json_loadb(service->received, service->received_size, 0, NULL);
  if (!request) die("not JSON");
  const char* method = json_string_value(json_object_get(request, "attribute"));
  json_t* argument = json_array_get(json_object_get(request, "args"), 0);
  if (!json_object_get(request, "callId")) {
    tell(json_pack("{ss ss#}", "event", "message", "text", service->received, (int)service->received_size));
  } else if (!strcmp(method, "file")) {
    queue_file(service, request);
  } else if (!strcmp(method, "md5")) {
    json_t* digest = md5((const unsigned char*)json_string_value(argument), json_string_length(argument));
    queue_parts(service, request, (const unsigned char*)json_string_value(digest), 32);
    json_decref(digest);
  } else {
    char* text = json_dumps(argument, JSON_ENCODE_ANY);
    queue_parts(service, request, (unsigned char*)text, strlen(text));
    free(text);
  }
  json_decref(request);
}

static void receive(Service* service, struct lws* socket, const void* data, size_t size) {
  service->received = realloc(service->received, service->received_size + size);
  memcpy(service->received + service->received_size, data, size);
  service->received_size += size;
  if (!lws_is_final_fragment(socket) || lws_remaining_packet_payload(socket)) return;
  handle(service);
  service->received_size = 0;
  lws_callback_on_writable(socket);
}

/* Sends one fragment of the oldest answer; the rest waits for the library to say again that there is room. */
static int send_fragment(Service* service, struct lws* socket) {
  if (service->first == service->last) return 0;
  Message* answer = &service->answers[service->first % 16];
  const size_t left = answer->size - answer->sent, size = left < fragment_size ? left : fragment_size;
  const int flags = lws_write_ws_flags(LWS_WRITE_TEXT, answer->sent == 0, size == left);
  if (lws_write(socket, answer->bytes + LWS_PRE + answer->sent, size, (enum lws_write_protocol)flags) < 0)
    return -1;
  answer->sent += size;
  if (size == left) {
    free(answer->bytes);
    ++service->first;
  }
  lws_callback_on_writable(socket);
  return 0;
}

static int on_event(struct lws* socket, enum lws_callback_reasons reason, void* user, void* data,
                    size_t size) {
  Service* service = user;
  const unsigned char* bytes = data;
  switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
      return lws_add_http_header_by_name(socket, (const unsigned char*)service->name,
                                         (const unsigned char*)service->value, (int)strlen(service->value),
                                         (unsigned char**)data, *(unsigned char**)data + size);
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      tell(json_pack("{ss ss ss}", "event", "open", "offered", "", "accepted", ""));
      return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
      receive(service, socket, data, size);
      return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
      return send_fragment(service, socket);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
      tell(json_pack("{ss si}", "event", "close", "code", size >= 2 ? bytes[0] << 8 | bytes[1] : 1005));
      return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      die(data ? data : "no connection");
      return -1;
    case LWS_CALLBACK_CLIENT_CLOSED:
      service->ended = 1;
      return 0;
    default:
      return 0;
  }
}

int main(int count, char** arguments) {
  if (count != 6) die("usage: libwebsockets_service HOST PORT PATH HEADER FILE");
  lws_set_log_level(LLL_ERR, NULL);
  /* The library wants a header's name with its colon. */
  char* value = strstr(arguments[4], ": ");
  char name[64];
  snprintf(name, sizeof name, "%.*s:", (int)(value - arguments[4]), arguments[4]);
  Service service = {.name = name, .value = value + 2, .file = arguments[5]};
  struct lws_protocols protocols[] = {{"", on_event, 0, fragment_size, 0, NULL, 0}, {0}};
  struct lws_context_creation_info information = {.port = CONTEXT_PORT_NO_LISTEN, .protocols = protocols};
  struct lws_context* context = lws_create_context(&information);
  struct lws_client_connect_info target = {
      .context = context,
      .address = arguments[1],
      .port = atoi(arguments[2]),
      .path = arguments[3],
      .host = arguments[1],
      .local_protocol_name = "",
      .userdata = &service,
  };
  if (!lws_client_connect_via_info(&target)) die("no connection");
  while (!service.ended && lws_service(context, 0) >= 0) {}
  lws_context_destroy(context);
  return 0;
}
