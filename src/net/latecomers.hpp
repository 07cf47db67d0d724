#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/siphash.hpp"

namespace weft::net {

class loop_core;

/// Those of all loops who have taken something and keep us waiting for what comes next: connections
/// without a request, sessions without a second one. When there are too many, the one that has been
/// late for longest gives way: of its address, if that has too many; else of the address that has
/// the most. So a flood costs its own, and nobody else is refused.
/// **Threads**: any. **Cost**: a mutex, for those who are late. **Lifetime**: outlives its lines
/// and places.
class latecomers {
    struct address;

public:
    struct limits {
        std::size_t per_address;
        std::size_t total;
    };

    class line;

    /// One who is late, until destroyed.
    /// **Threads**: that of its line's loop.
    class place {
    public:
        place(const place&) = delete;
        place& operator=(const place&) = delete;

    protected:
        explicit place(line& of) noexcept : line_(of) {}
        virtual ~place();
        /// Counts it, once, for an address (`socket_address::network`). It may be what gives way.
        void enter(std::uint64_t network);

    private:
        friend class latecomers;

        /// It no longer counts, and has to end. At most once, and never inside `enter`.
        virtual void give_way() noexcept = 0;

        line& line_;
        address* of_ = nullptr;  // where it counts
        bool leaving_ = false;
        std::list<place*>::iterator at_{};  // in the list of the address, or of those who leave
    };

    /// What the places of one loop have in common: only their loop can end them.
    class line {
    public:
        line(latecomers& all, loop_core& loop) noexcept : all_(all), loop_(loop) {}
        line(const line&) = delete;
        line& operator=(const line&) = delete;

    private:
        friend class latecomers;
        /// Has its loop end those who must give way; with the mutex held.
        void call() noexcept;
        void let_go() noexcept;

        latecomers& all_;
        loop_core& loop_;
        std::list<place*> leaving_;
        bool called_ = false;
    };

    explicit latecomers(limits most) noexcept : most_(most) {}
    latecomers(const latecomers&) = delete;
    latecomers& operator=(const latecomers&) = delete;

    /// Has one give way; false when nobody is late. An address may be asked first.
    bool end_one() noexcept;
    bool end_one_of(std::uint64_t network) noexcept;

private:
    struct address {
        explicit address(std::uint64_t network) : key(network), self{this} {}
        address(const address&) = delete;
        address& operator=(const address&) = delete;

        const std::uint64_t key;
        std::list<place*> late;    // the one that has been for longest first
        std::list<address*> self;  // while it has no rank
        std::list<address*>::iterator at = self.begin();
        std::size_t rank = 0;
    };
    struct key_hash {
        key_hash() noexcept : key(siphash_key::of_process()) {}
        siphash_key key;
        std::size_t operator()(std::uint64_t address) const noexcept;
    };

    void enter(place& fresh, std::uint64_t key);
    void leave(place& gone) noexcept;
    void end_oldest(address& of) noexcept;
    void uncount(place& which, std::list<place*>& to) noexcept;
    void rank(address& which) noexcept;

    const limits most_;
    std::mutex mutex_;
    std::size_t all_ = 0;
    std::unordered_map<std::uint64_t, address, key_hash> by_address_;  // none without a place
    std::vector<std::list<address*>> ranks_;  // by how many are late; who had so many first, first
    std::size_t highest_ = 0;                 // the last one with an address
};

}  // namespace weft::net
