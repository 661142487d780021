import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/**
 * Java's Avro over the same values. Arguments: a file with the schema, one with values (4 bytes of length, then the value), how long to
 * measure each direction, in ms. Prints a line of JSON for decoding and one for encoding.
 */
public class SerdeBench {
  public static void main(String[] args) throws Exception {
    Schema schema = new Schema.Parser().parse(Files.readString(Path.of(args[0])));
    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(Path.of(args[1])));
    long measureMs = Long.parseLong(args[2]);
    java.util.List<byte[]> values = new java.util.ArrayList<>();
    while (file.hasRemaining()) {
      byte[] value = new byte[file.getInt()];
      file.get(value);
      values.add(value);
    }
    var reader = new GenericDatumReader<GenericRecord>(schema);
    var writer = new GenericDatumWriter<GenericRecord>(schema);
    GenericRecord[] records = new GenericRecord[values.size()];
    BinaryDecoder[] decoder = new BinaryDecoder[1];
    BinaryEncoder[] encoder = new BinaryEncoder[1];
    Pass decode = () -> {
      long bytes = 0;
      for (int i = 0; i < records.length; i++) {
        byte[] value = values.get(i);
        decoder[0] = DecoderFactory.get().binaryDecoder(value, decoder[0]);
        records[i] = reader.read(null, decoder[0]);
        bytes += value.length;
      }
      return bytes;
    };
    Pass encode = () -> {
      long bytes = 0;
      var out = new ByteArrayOutputStream(256);
      for (GenericRecord record : records) {
        out.reset();
        encoder[0] = EncoderFactory.get().binaryEncoder(out, encoder[0]);
        writer.write(record, encoder[0]);
        encoder[0].flush();
        bytes += out.toByteArray().length;
      }
      return bytes;
    };
    measure("decode", decode, records.length, measureMs);
    measure("encode", encode, records.length, measureMs);
  }

  interface Pass {
    long run() throws Exception;
  }

  static void measure(String direction, Pass pass, int count, long measureMs) throws Exception {
    long warmUntil = System.nanoTime() + measureMs * 1_000_000 / 2;
    while (System.nanoTime() < warmUntil) pass.run();
    var threads = ManagementFactory.getThreadMXBean();
    long records = 0, bytes = 0, started = System.nanoTime(), cpu = threads.getCurrentThreadCpuTime();
    while (System.nanoTime() - started < measureMs * 1_000_000) {
      bytes += pass.run();
      records += count;
    }
    System.out.printf("{\"direction\":\"%s\",\"records\":%d,\"bytes\":%d,\"ms\":%f,\"cpuMs\":%f}%n", direction, records, bytes,
      (System.nanoTime() - started) / 1e6, (threads.getCurrentThreadCpuTime() - cpu) / 1e6);
  }
}
