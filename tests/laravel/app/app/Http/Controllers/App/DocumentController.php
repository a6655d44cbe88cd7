<?php

namespace App\Http\Controllers\App;

use App\Http\Controllers\Controller;
use App\Http\Resources\DocumentResource;
use App\Models\Document;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Storage;
use Illuminate\Support\Str;

class DocumentController extends Controller
{
    public function index(Request $request)
    {
        return DocumentResource::collection(Document::orderBy('id')->paginate((int) $request->query('per_page', 15) ?: 15));
    }

    public function store(Request $request)
    {
        $this->validate($request, ['title' => 'required|string|max:200', 'file' => 'mimes:pdf,csv,txt|max:2048']);
        abort_if(Document::where('title', $request->input('title'))->exists(), 409, 'There is a document of this title.');
        $file = $request->file('file');
        $document = Document::create([
            'uuid' => (string) Str::uuid(),
            'title' => $request->input('title'),
            'path' => $file->store('documents'),
            'filename' => $file->getClientOriginalName(),
            'mime' => $file->getMimeType(),
            'size' => $file->getSize(),
        ]);

        return response()->json(['data' => new DocumentResource($document)]);
    }

    public function show(Document $document)
    {
        return new DocumentResource($document);
    }

    public function download(Document $document)
    {
        abort_unless(Storage::exists($document->path), 410, 'The file was purged.');

        return response(Storage::get($document->path), 200, ['Content-Type' => $document->mime]);
    }

    public function destroy(Document $document)
    {
        Storage::delete($document->path);
        $document->delete();

        return response()->noContent();
    }
}
