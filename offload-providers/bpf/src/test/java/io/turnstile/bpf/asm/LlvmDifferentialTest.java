package io.turnstile.bpf.asm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random programs, disassembled by llvm-objdump, read as we print them: the tool must be there (Debian package
 * llvm-19).
 */
@Tag("system")
class LlvmDifferentialTest {
    private static final int PROGRAMS = 10;

    @ParameterizedTest
    @ValueSource(strings = {"LITTLE_ENDIAN", "BIG_ENDIAN"})
    void llvmReadsWhatWeWrite(String orderName) throws Exception {
        ByteOrder order = orderName.equals("BIG_ENDIAN") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        List<String> expected = new ArrayList<>();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < PROGRAMS; i++) {
            Program program = RandomPrograms.next(random);
            bytes.writeBytes(program.bytes(order));
            program.instructions().forEach(instruction -> expected.add(llvmText(instruction)));
        }

        List<String> read = Llvm.disassemble(bytes.toByteArray(), order).stream()
                .map(Llvm.Line::text)
                .toList();

        assertThat(read).as("seed %d", seed).isEqualTo(expected);
    }

    /** LLVM's text where ours is another ({@link InstructionText}). */
    private static String llvmText(Instruction instruction) {
        if (instruction.opcode() == Opcodes.WIDE && instruction.source() != 0) {
            return "ld_pseudo\tr%d, 0x%x, 0x%x"
                    .formatted(instruction.destination(), instruction.source(), (int) instruction.immediate());
        }
        if (instruction.isLocalCall()) {
            return "call 0x" + Long.toHexString(instruction.immediate());
        }
        return instruction.text();
    }
}
