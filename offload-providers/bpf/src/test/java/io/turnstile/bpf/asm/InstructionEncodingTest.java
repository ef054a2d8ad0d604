package io.turnstile.bpf.asm;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.bpf.asm.GoldenInstructions.Golden;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Each instruction has the bytes and the text that LLVM gives it. */
class InstructionEncodingTest {
    /** What LLVM cannot say in full, and how we do. */
    private static final Map<String, String> OUR_TEXT = Map.of(
            "loadMap", "r1 = map_fd(4660) ll",
            "loadMapValue", "r1 = map_value(4660)+0x5678 ll",
            "callFunction", "call pc+0x2");

    @TestFactory
    Stream<DynamicTest> everyInstructionIsEncodedAndPrintedAsByLlvm() throws IOException {
        Map<String, Golden> golden = GoldenInstructions.read();
        return InstructionSamples.all().entrySet().stream()
                .map(sample -> DynamicTest.dynamicTest(
                        sample.getKey(), () -> check(sample.getKey(), sample.getValue(), golden.get(sample.getKey()))));
    }

    private static void check(String name, Instruction instruction, Golden golden) {
        assertThat(bytes(instruction, ByteOrder.LITTLE_ENDIAN)).isEqualTo(golden.littleEndian());
        assertThat(bytes(instruction, ByteOrder.BIG_ENDIAN)).isEqualTo(golden.bigEndian());
        assertThat(instruction.text()).isEqualTo(OUR_TEXT.getOrDefault(name, golden.text()));
    }

    @Test
    void nothingIsRecordedThatIsNotChecked() throws IOException {
        assertThat(new TreeSet<>(GoldenInstructions.read().keySet()))
                .isEqualTo(new TreeSet<>(InstructionSamples.all().keySet()));
    }

    private static byte[] bytes(Instruction instruction, ByteOrder order) {
        ByteBuffer buffer = ByteBuffer.allocate(instruction.slots() * Instruction.SLOT_BYTES);
        instruction.encode(buffer, order);
        return buffer.array();
    }
}
