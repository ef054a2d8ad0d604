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

    // ---- check_pkt_larger ----

    /** {@code length)->field[bit]}, of which the scanner has taken the parenthesis. */
    static OfAction.CheckPktLarger readCheckPktLarger(String value) throws FlowTextException {
        int arrow = value.indexOf("->");
        if (arrow < 0) {
            throw new FlowTextException(value + ": missing `->'");
        }
        String length = value.substring(0, arrow).trim();
        SubFieldText.Parsed bit = writable(value.substring(arrow + 2).trim());
        if (bit.widthBits() != 1) {
            throw new FlowTextException("Only 1-bit destination field is allowed");
        }
        int bytes = (int) Numbers.parse("packet length", length.replaceAll("^\\(|\\)$", ""), 0xffff);
        return new OfAction.CheckPktLarger(
                bytes, new OfAction.FieldPart(bit.field(), bit.offsetBits(), bit.widthBits()));
    }

    static String print(OfAction.CheckPktLarger a) {
        OfAction.FieldPart bit = a.result();
        return "check_pkt_larger(" + a.lengthBytes() + ")->"
                + SubFieldText.format(bit.field(), bit.offsetBits(), bit.widthBits());
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
