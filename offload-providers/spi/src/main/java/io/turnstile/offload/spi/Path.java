package io.turnstile.offload.spi;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The way of one direction's packets through the switch, all recirculations, patch ports and bridges of it summed up:
 * packets that come in by {@code ingress} with the tuple {@code arriving} and pass the {@code guard} leave by
 * {@code egress} with the tuple {@code leaving} and the bits of {@code rewrites}; nothing else happens to them. A
 * value; a provider may keep it.
 *
 * <p>What goes up to software whatever a path says, because software has to see it: packets that fail the guard, come
 * in by another port or with another tuple; fragments; packets with IPv4 options or IPv6 extension headers; TCP
 * segments with SYN, FIN or RST; packets whose TTL or hop limit is 1 or 0; and what would not fit the egress port's
 * MTU.
 *
 * @param id names this path; never 0, not used again
 * @param connectionId the connection whose packets these are ({@link ConnView#id()}); the walk may have met others,
 *     which software looks after
 * @param arriving addresses and ports as packets come in
 * @param guard what their other headers have to be like; at most one entry a field
 * @param leaving addresses and ports as they leave; with NAT others than {@code arriving}
 * @param rewrites what is written into their other headers; at most one entry a field. A TTL is written as a value: the
 *     guard asks for the one that it is counted down from
 */
public record Path(
        long id,
        long connectionId,
        Direction direction,
        PortRef ingress,
        TupleView arriving,
        List<HeaderBits> guard,
        PortRef egress,
        TupleView leaving,
        List<HeaderBits> rewrites) {
    public Path {
        guard = List.copyOf(guard);
        rewrites = List.copyOf(rewrites);
    }

    /** Whether addresses or ports are rewritten. */
    public boolean isTranslated() {
        return !arriving.equals(leaving);
    }

    /** What the guard asks of the field; null: nothing. */
    public @Nullable HeaderBits guardOf(HeaderField field) {
        return bitsOf(guard, field);
    }

    /** What is written into the field; null: nothing. */
    public @Nullable HeaderBits rewriteOf(HeaderField field) {
        return bitsOf(rewrites, field);
    }

    private static @Nullable HeaderBits bitsOf(List<HeaderBits> all, HeaderField field) {
        for (HeaderBits bits : all) {
            if (bits.field() == field) {
                return bits;
            }
        }
        return null;
    }

    /** {@code original p1(1) src=…,sport=80 guard(nw_ttl=0x40) -> p2(2) src=… set(nw_ttl=0x3f)}. */
    @Override
    public String toString() {
        return direction + " " + ingress + " " + arriving + (guard.isEmpty() ? "" : " guard" + parenthesized(guard))
                + " -> " + egress + (isTranslated() ? " " + leaving : "")
                + (rewrites.isEmpty() ? "" : " set" + parenthesized(rewrites));
    }

    private static String parenthesized(List<HeaderBits> all) {
        String list = all.toString();
        return "(" + list.substring(1, list.length() - 1) + ")";
    }
}
