// A program with a gateway inside, a service that dials in to it, and a call that crosses both.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <thread>

#include "reachback/gateway.hpp"
#include "reachback/remote_service.hpp"
#include "reachback/request_handler.hpp"
#include "reachback/websocket_handler.hpp"

using namespace reachback;

constexpr auto token = "a-secret-of-this-program";

static ServiceAnswer answer(std::string_view) { return answer_with("21", ServiceAnswer::Encoding::json); }

int main() {
  std::atomic<bool> attached = false;
  auto const on_message = [](WebSocketClient const& client, std::string_view message) {
    std::cout << client.endpoint << " sent " << message.size() << " bytes\n";
  };
  auto const on_connection = [&attached](std::string_view endpoint, std::string_view event) {
    std::cout << endpoint << ": " << event << '\n';
    attached = true;
    attached.notify_one();
  };
  DataWebSocketHandler lab;  // a BaseWebSocketHandler whose connections answer calls
  lab.initialize("lab", on_message, on_connection);

  Config config;
  config.address = "127.0.0.1";
  config.port = 0;  // one that is free
  config.tokens = {known_token("sample", token)};
  Gateway gateway(config);
  gateway.add_handler(lab);
  gateway.start();

  RemoteServiceConfig dial;
  dial.port = gateway.port();
  dial.endpoint = "lab";
  dial.token = token;
  RemoteService service(dial, answer);
  std::thread service_thread([&service] { return service.run(); });
  attached.wait(false);

  RequestHandler requests("lab", gateway);
  auto const response =
      requests.do_request(R"({"cmd":"rpc","attribute":"temperature"})", std::chrono::seconds(10));
  std::cout << (response ? response->message : response.error().detail) << '\n';

  service.stop();
  service_thread.join();
  gateway.shut_down(std::chrono::seconds(0));
  gateway.wait();
  return response && response->message.find("\"status\":200") != std::string::npos ? EXIT_SUCCESS
                                                                                   : EXIT_FAILURE;
}
