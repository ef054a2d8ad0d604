package io.turnstile.pipeline.flow;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** The text of actions on parts of fields, of dec_ttl and of write_metadata. */
final class SubFieldActionText {
    private SubFieldActionText() {}

    static SubFieldText.Parsed writable(String text) throws FlowTextException {
        SubFieldText.Parsed target = SubFieldText.parse(text);
        if (!target.field().writable()) {
            throw new FlowTextException(text + ": field is read-only");
        }
        return target;
    }

    // ---- move ----

    static OfAction.Move readMove(String value) throws FlowTextException {
        int arrow = value.indexOf("->");
        if (arrow < 0) {
            throw new FlowTextException(value + ": missing `->' following source");
        }
        SubFieldText.Parsed source =
                SubFieldText.parse(value.substring(0, arrow).trim());
        SubFieldText.Parsed destination = writable(value.substring(arrow + 2).trim());
        if (source.widthBits() != destination.widthBits()) {
            throw new FlowTextException(value + ": source field is " + source.widthBits()
                    + " bits wide but destination is " + destination.widthBits() + " bits wide");
        }
        return new OfAction.Move(source.toKey(), destination.toKey());
    }

    static String print(OfAction.Move a, ActionFormat format) {
        return "move:" + format.subField(a.source()) + "->" + format.subField(a.destination());
    }

    // ---- dec_ttl ----

    static OfAction readDecTtl(String value) throws FlowTextException {
        if (value.isEmpty()) {
            return new OfAction.DecTtl();
        }
        List<Integer> ids = new ArrayList<>();
        for (String id : value.split("[, ]+", 0)) {
            if (!id.isEmpty()) {
                ids.add((int) Numbers.leading(id) & 0xffff);
            }
        }
        if (ids.isEmpty()) {
            throw new FlowTextException("dec_ttl_cnt_ids: expected at least one controller id.");
        }
        return new OfAction.DecTtlFor(List.copyOf(ids));
    }

    static String print(OfAction.DecTtlFor a) {
        return "dec_ttl(" + a.controllerIds().stream().map(String::valueOf).collect(Collectors.joining(",")) + ")";
    }

    // ---- write_metadata ----

    static OfAction.WriteMetadata readWriteMetadata(String value) throws FlowTextException {
        long[] masked = Numbers.parseMasked(value, -1L);
        return new OfAction.WriteMetadata(masked[0], masked[1]);
    }

    static String print(OfAction.WriteMetadata a) {
        return "write_metadata:" + Numbers.hex(a.value()) + (a.mask() == -1L ? "" : "/" + Numbers.hex(a.mask()));
    }
}
