package io.turnstile.pipeline.flow;

import java.io.ByteArrayOutputStream;
import java.util.HexFormat;

/** The text of {@code note:}: hexadecimal bytes, with dots between them or without. */
final class NoteText {
    private static final int HEADER_BYTES = 10;
    private static final int ALIGNMENT_BYTES = 8;

    private NoteText() {}

    static OfAction.Note read(String value) throws FlowTextException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        String digits = value.replaceAll("[.\\s]", "");
        if (!digits.matches("([0-9a-fA-F]{2})*")) {
            throw new FlowTextException("bad hex digit in `note' argument");
        }
        bytes.writeBytes(HexFormat.of().parseHex(digits));
        while ((HEADER_BYTES + bytes.size()) % ALIGNMENT_BYTES != 0) {
            bytes.write(0); // The action is padded on the wire, and the padding is part of the note.
        }
        return new OfAction.Note(bytes.toByteArray());
    }

    static String print(OfAction.Note a) {
        return "note:" + HexFormat.ofDelimiter(".").formatHex(a.bytes());
    }
}
