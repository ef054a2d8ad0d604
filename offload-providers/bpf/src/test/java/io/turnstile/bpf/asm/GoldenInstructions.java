package io.turnstile.bpf.asm;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What LLVM makes of each of {@link InstructionSamples}, as it stands in {@code golden-instructions.txt}: name, bytes
 * for a little-endian and for a big-endian machine, and text.
 *
 * <p>Recorded by {@link #main}: the text that a sample has is assembled by {@code llvm-mc-19 -mcpu=v4}, once for each
 * byte order, and what comes of it disassembled by {@code llvm-objdump-19 -d --mcpu=v4}; so the bytes are LLVM's and
 * not ours. LLVM can only read, and not write, the samples in {@link #BY_HAND}: their bytes were put down by hand from
 * RFC 9669 §4.3.2 and §5.4. To record anew, after a sample was added:
 *
 * <pre>{@code
 * java -cp target/classes:target/test-classes io.turnstile.bpf.asm.GoldenInstructions \
 *     src/test/resources/io/turnstile/bpf/asm/golden-instructions.txt
 * }</pre>
 *
 * and read the difference: what was there before must not change.
 */
final class GoldenInstructions {
    private static final String SEPARATOR = " | ";

    /** One line of the file. */
    record Golden(byte[] littleEndian, byte[] bigEndian, String text) {}

    private static final Map<String, Map<ByteOrder, String>> BY_HAND = Map.of(
            "loadMap",
            Map.of(
                    ByteOrder.LITTLE_ENDIAN, ".byte 0x18,0x11,0,0,0x34,0x12,0,0,0,0,0,0,0,0,0,0",
                    ByteOrder.BIG_ENDIAN, ".byte 0x18,0x11,0,0,0,0,0x12,0x34,0,0,0,0,0,0,0,0"),
            "loadMapValue",
            Map.of(
                    ByteOrder.LITTLE_ENDIAN, ".byte 0x18,0x21,0,0,0x34,0x12,0,0,0,0,0,0,0x78,0x56,0,0",
                    ByteOrder.BIG_ENDIAN, ".byte 0x18,0x12,0,0,0,0,0x12,0x34,0,0,0,0,0,0,0x56,0x78"),
            "callFunction",
            Map.of(
                    ByteOrder.LITTLE_ENDIAN, ".byte 0x85,0x10,0,0,2,0,0,0",
                    ByteOrder.BIG_ENDIAN, ".byte 0x85,0x01,0,0,0,0,0,2"));

    private GoldenInstructions() {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Map<String, Instruction> samples = InstructionSamples.all();
        List<Llvm.Line> little = Llvm.assemble(source(samples, ByteOrder.LITTLE_ENDIAN), ByteOrder.LITTLE_ENDIAN);
        List<Llvm.Line> big = Llvm.assemble(source(samples, ByteOrder.BIG_ENDIAN), ByteOrder.BIG_ENDIAN);
        List<String> lines = new ArrayList<>();
        for (String name : samples.keySet()) {
            int i = lines.size();
            lines.add(String.join(
                    SEPARATOR,
                    name,
                    hex(little.get(i)),
                    hex(big.get(i)),
                    little.get(i).text()));
        }
        Files.write(Path.of(arguments[0]), lines);
    }

    private static List<String> source(Map<String, Instruction> samples, ByteOrder order) {
        List<String> text = new ArrayList<>();
        samples.forEach((name, sample) ->
                text.add(BY_HAND.containsKey(name) ? BY_HAND.get(name).get(order) : sample.text()));
        return text;
    }

    private static String hex(Llvm.Line line) {
        return HexFormat.of().formatHex(line.bytes());
    }

    static Map<String, Golden> read() throws IOException {
        Map<String, Golden> byName = new LinkedHashMap<>();
        try (InputStream file = GoldenInstructions.class.getResourceAsStream("golden-instructions.txt")) {
            for (String line : new String(file.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList()) {
                String[] columns = line.split(" \\| ", 4);
                HexFormat hex = HexFormat.of();
                byName.put(columns[0], new Golden(hex.parseHex(columns[1]), hex.parseHex(columns[2]), columns[3]));
            }
        }
        return byName;
    }
}
