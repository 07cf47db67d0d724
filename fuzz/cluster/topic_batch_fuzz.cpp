// What a node published to a topic. Messages lie within the batch, texts are UTF-8, and a batch
// that is accepted is the one that its messages make.

#include <cstdint>
#include <cstdlib>
#include <string>

#include <weft/base/utf8.hpp>

#include "cluster/proto/topic_batch.hpp"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace weft;
    const byte_view batch(reinterpret_cast<const std::byte*>(data), size);
    cluster::topic_batch_reader reader(batch);
    std::string again;
    if (!reader.is_malformed()) cluster::begin_topic_batch(again, reader.uid());
    std::size_t held = 0;
    while (const message one = reader.next()) {
        held += one.size() + one.key().size();
        require(held <= size);
        require(one.kind() == message_kind::binary || validate_utf8(one.bytes()));
        require(cluster::append_to_topic_batch(again, one));
    }
    require(!reader.next());
    require(reader.is_malformed() || again == as_text(batch));
    return 0;
}
